"""A small transformer and the machine that it runs on."""

TINY = {
    "model_type": "llama",
    "hidden_size": 256,
    "intermediate_size": 1024,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "vocab_size": 1000,
    "tie_word_embeddings": False,
}
ACTIVITY = {"active": [0.05, 0.1], "context_rate": 0.4, "persistence": 0.1}
BACKEND = {"preset": "m1_max_cpu"}
FLASH = {"preset": "m1_max_ssd"}
SYSTEM = {"backends": {"cpu0": BACKEND}, "flash": FLASH}
