"""A training step of a language model, as a user writes it."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from hw_models.units import Block
from workloads.llm.kv_rules import Share
from workloads.llm.params import known_model

ActivationPolicy = Literal["keep", "recompute", "swap", "compress"]
Trained = Literal["all", "attention", "side", "perturbed"]


class Activations(Block):
    """What the backward pass needs of the forward pass, and where it is meanwhile."""

    policy: ActivationPolicy = Field(
        "keep",
        description="keep: in memory; recompute: of each segment of layers only the input; swap: at the "
        "host; compress: inputs of linear layers by a random projection",
    )
    segment: int = Field(1, ge=1, description="layers that are recomputed together")
    share: Share | None = Field(
        None, description="of what may be swapped or recomputed, what is swapped; absent: as much as hides"
    )
    rank: Share | None = Field(None, description="of the width, what a projection keeps")

    @model_validator(mode="after")
    def a_projection_has_a_rank(self) -> "Activations":
        if (self.policy == "compress") != (self.rank is not None):
            raise ValueError(
                f"policy {self.policy} and rank {self.rank}; write a rank for compress, else none"
            )
        return self


class Train(Block):
    """One step over a batch."""

    sequence: int = Field(4096, ge=1, le=2**27, description="tokens of a sequence")
    sequences: int = Field(1, ge=1, le=2**30, description="of the batch")
    cards: int = Field(
        1, ge=1, le=2**20, description="backends alike that share weights, activations and work evenly"
    )


class TrainJob(Block):
    """A training step: mixed precision, Adam."""

    model: str = Field(description="a built-in model, a folder, or the path of a Hugging Face config.json")
    on: str = Field(description="the backend that computes")
    train: Train = Field(description="the step")
    precision: Literal["fp16", "bf16", "fp32"] = Field("bf16", description="of weights and arithmetic")
    activations: Activations = Field(Activations(), description="what becomes of them until they are needed")
    trained: Trained = Field(
        "all",
        description="attention: its matrices alone; side: a narrow network beside the model, which is not "
        "walked back; perturbed: by two forward passes over weights moved at random, and no way back",
    )
    side: Share | None = Field(None, description="of the model's width, that of the network beside it")
    moments: Share | None = Field(
        None,
        description="of the two moments of Adam (8 B a parameter), what the optimizer keeps; absent: all",
    )

    @model_validator(mode="after")
    def what_is_trained_is_said_once(self) -> "TrainJob":
        if (self.trained == "side") != (self.side is not None):
            found = "absent" if self.side is None else "written"
            raise ValueError(f"trained {self.trained}, and side {found}; write a width for side, else none")
        if self.trained != "all" and self.activations.policy != "keep":
            raise ValueError(
                f"trained {self.trained}, and activations.policy {self.activations.policy}; write keep"
            )
        return self

    @field_validator("model")
    @classmethod
    def model_is_known(cls, value: str) -> str:
        return known_model(value)
