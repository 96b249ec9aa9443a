"""Modes of a convolution that no reference row has."""

import numpy as np
import pytest
from test_nvdla_conv import DATA, WEIGHT, conv, marks, run

from hw_models.errors import ConfigError
from hw_models.nvdla.block import advance, respond, start
from hw_models.nvdla.build import build
from hw_models.nvdla.cbuf import line_entries
from hw_models.nvdla.compression import decodable
from hw_models.nvdla.names import Client
from hw_models.nvdla.presets import PRESETS
from hw_models.port import FIFO, FIFO_ROWS, front, pop

SDP = int(Client.SDP)


def cycles(state, slot=0):
    return int(state["records"][slot]["end"])


def test_dilation_changes_nothing_when_taps_and_output_stay():
    plain = conv("nv_small")
    dilated = conv("nv_small", dilation_x=2, dilation_y=3, pad_left=2, pad_right=2, pad_top=3, pad_bottom=3)
    assert cycles(run("nv_small", dilated)) == cycles(run("nv_small", plain))


@pytest.mark.parametrize("dilation", [1, 2, 4])
def test_dilated_kernel_without_padding_costs_what_its_smaller_output_costs(dilation):
    size = 14 - 2 * dilation
    ops = conv("nv_small", dilation_x=dilation, dilation_y=dilation, out_width=size, out_height=size)
    found = marks(run("nv_small", ops))
    pixels, cut = size * size, []
    while pixels:
        cut.append(16 if pixels >= 32 else pixels if pixels <= 16 else 8)
        pixels -= cut[-1]
    packages, groups = 9 * 4, 4
    computed = groups * packages * sum(max(length, 8) for length in cut)
    assert found["MAC_DAT_LAST"] - found["MAC_DAT_FIRST"] == computed - max(cut[-1], 8) + cut[-1] - 1


def fc(batch, preset="nv_medium_1024", channels=512, kernels=64, **fields):
    """A fully connected layer over ``batch`` images, 4 KiB apart."""
    extra = {"batch": batch, "batch_stride": 4096, "dst_batch_stride": 4096, "surface_packed": 1} | fields
    return conv(preset, width=1, height=1, channels=channels, kernels=kernels, size=1, banks=(4, 8), **extra)


@pytest.mark.parametrize("batch", [2, 16, 24, 32])
def test_images_of_a_batch_share_the_weights(batch):
    ops = fc(batch)
    record = run("nv_medium_1024", ops)["records"][0]
    assert record["read_bytes"][WEIGHT] == ops[0]["weight_bytes"]
    assert record["read_bytes"][DATA] == batch * 512
    assert record["write_bytes"].sum() == batch * 64
    packages, groups = 512 // 64, 64 // 16
    assert record["mac_cycles"] == batch * packages * groups


@pytest.mark.parametrize(("batch", "package"), [(2, 16), (16, 16), (24, 24), (32, 32)])
def test_package_of_a_batch_takes_a_cycle_an_image_and_no_less_than_atomic_k(batch, package):
    found = marks(run("nv_medium_1024", fc(batch, kernels=16, channels=512)))
    assert found["MAC_DAT_LAST"] - found["MAC_DAT_FIRST"] == 7 * package + batch - 1


def test_images_of_a_batch_lie_in_cbuf_together():
    state = build(PRESETS["nv_medium_1024"])[0]
    assert line_entries(state, fc(3)[0]) == 3 * line_entries(state, fc(1)[0]) == 3 * 512 // 64


def addresses(preset, ops, stream, write=0):
    """Addresses of a client's reads or writes, in order, with a memory that answers after ten cycles."""
    state = build(PRESETS[preset])[0]
    fifos = np.zeros(2, FIFO)
    fifos["limit"] = FIFO_ROWS
    assert start(state, ops, 0, 0)
    found, answers, now = [], [], 0
    while now < 20_000:
        while answers and answers[0][0] <= now:
            respond(state, answers.pop(0)[1], now)
        wake = advance(state, ops, now, fifos[0], fifos[1])
        for fifo in fifos:
            while fifo["count"]:
                row = front(fifo).copy()
                pop(fifo)
                answers.append((now + 10, row))
                if row["stream"] == stream and row["write"] == write:
                    found.append(int(row["address"]))
        if state["done_count"]:
            return found
        now = max(now + 1, min([int(wake)] + [time for time, _ in answers[:1]]))
    raise AssertionError("no end")


def test_image_after_image_of_a_batch_is_fetched():
    found = addresses("nv_medium_1024", fc(3, channels=128), DATA)
    images = [(address - (1 << 28)) // 4096 for address in found]
    assert images == sorted(images)
    assert set(images) == {0, 1, 2}


def compressed(preset="nv_full", kernels=128, channels=64, share=2, **fields):
    """A 3x3 convolution whose weights are ``share`` times smaller than the full ones."""
    weights = kernels * channels * 9
    extra = {
        "weight_bytes": weights // share // 128 * 128,
        "wmb": 3 << 29,
        "wmb_bytes": -(-weights // 1024) * 128,
        "wgs": 5 << 28,
    }
    return conv(preset, channels=channels, kernels=kernels, banks=(6, 8), **(extra | fields))


def test_compressed_weights_come_with_a_bit_a_weight_and_a_size_a_kernel_group():
    ops = compressed()
    record = run("nv_full", ops)["records"][0]
    sizes = 64  # four groups of 4 B: one atom, a beat of the port
    assert record["read_bytes"][WEIGHT] == ops[0]["weight_bytes"] + ops[0]["wmb_bytes"] + sizes


def test_sizes_of_kernel_groups_are_read_before_mask_and_weights():
    found = addresses("nv_full", compressed(), WEIGHT)
    assert found[0] == 5 << 28
    assert found[1:5] == [(3 << 29) + 256 * i for i in range(4)]
    assert found[5:21] == [(1 << 29) + 256 * i for i in range(16)]


def test_kernel_group_waits_for_its_mask():
    early = marks(run("nv_full", compressed(), read_interval=8))
    plain = marks(run("nv_full", conv("nv_full", channels=64, kernels=128, banks=(6, 8)), read_interval=8))
    tiny = compressed(kernels=32, share=9 * 64 * 32 // 128, width=4, height=4)
    late = marks(run("nv_full", tiny, read_interval=8))
    assert early["FIRST_WT_UPDT"] < plain["FIRST_WT_UPDT"]
    beats = 1 + 32 * 64 * 9 // 8 // 64 + 2 + 4 * 4  # sizes, all of the mask, 128 B of weights, the input
    assert late["FIRST_WT_UPDT"] >= 8 * beats


def test_kernel_group_waits_for_its_size():
    weight = build(PRESETS["nv_full"])[0]["cdma_weight"]
    state = build(PRESETS["nv_full"])[0]
    weight["mask_received"], weight["mask_group_bytes"], weight["group"] = 100, 64, 8
    assert [bool(decodable(state, weight, False)) for weight["sizes_received"] in (8, 16)] == [False, True]


def test_compressed_weights_leave_the_time_in_the_macs_as_it_is():
    plain = run("nv_full", conv("nv_full", channels=64, kernels=128, banks=(6, 8)))
    ours = run("nv_full", compressed())
    assert ours["records"][0]["mac_cycles"] == plain["records"][0]["mac_cycles"]
    assert cycles(ours) < cycles(plain)


def winograd(width=16, height=16, channels=64, kernels=64, **fields):
    extra = {"winograd": 1, "stride_x": 1, "stride_y": 1, "weight_bytes": kernels * channels * 16}
    pads = dict.fromkeys(("pad_left", "pad_right", "pad_top", "pad_bottom"), 1)
    return conv("nv_full", width, height, channels, kernels, banks=(6, 8), **(extra | pads | fields))


def test_winograd_needs_two_and_a_quarter_times_fewer_cycles_in_the_macs():
    direct = run("nv_full", conv("nv_full", 16, 16, 64, 64, banks=(6, 8)))
    ours = run("nv_full", winograd())
    assert 4 * direct["records"][0]["mac_cycles"] == 9 * ours["records"][0]["mac_cycles"]


@pytest.mark.parametrize(
    "make", [lambda: conv("nv_full", 4, 4, 32, 64, banks=(6, 8)), lambda: winograd(4, 4, 32)]
)
def test_sixteen_bits_take_twice_the_cycles_in_the_macs_and_twice_the_bytes(make):
    """A cell takes as many elements of 16 bits as of 8, of one kernel instead of two."""
    narrow, wide = make(), make()
    for name in ("channels", "kernels", "out_channels"):
        wide[0][name] *= 2
    wide[0]["weight_bytes"] = 2 * narrow[0]["weight_bytes"]
    wide[0]["wide"] = 1
    plain, ours = (run("nv_full", ops)["records"][0] for ops in (narrow, wide))
    assert ours["mac_cycles"] == 2 * plain["mac_cycles"]
    assert np.array_equal(ours["read_bytes"], 2 * plain["read_bytes"])
    assert ours["write_bytes"].sum() == 2 * plain["write_bytes"].sum()


@pytest.mark.parametrize(("width", "height"), [(4, 4), (16, 16), (20, 12)])
def test_winograd_reads_its_input_once_and_writes_every_pixel_once(width, height):
    ops = winograd(width, height)
    record = run("nv_full", ops)["records"][0]
    assert record["read_bytes"][DATA] == width * height * 64
    assert record["read_bytes"][WEIGHT] == ops[0]["weight_bytes"]
    assert record["write_bytes"].sum() == width * height * 64


def test_winograd_block_of_padding_alone_comes_with_the_block_before():
    ops = winograd(8, 8, pad_top=0, pad_bottom=2)
    assert run("nv_full", ops)["records"][0]["read_bytes"][DATA] == 8 * 8 * 64


def test_winograd_fetches_eight_atoms_of_each_line_of_a_block_of_four():
    line, surface = 16 * 32, 16 * 16 * 32
    found = [address - (1 << 28) for address in addresses("nv_full", winograd(), DATA)]
    first = [0, 1, 2]  # the block's first line is padding
    block = [s * surface + y * line + x * 256 for s in (0, 1) for x in (0, 1) for y in first]
    assert found[: len(block)] == block
    assert found[len(block) : len(block) + 4] == [y * line for y in (3, 4, 5, 6)]


def test_winograd_writes_blocks_of_four_by_four_pixels():
    line, surface = 8 * 32, 8 * 8 * 32
    found = [address - (1 << 30) for address in addresses("nv_full", winograd(8, 8), SDP, write=1)]
    assert found == [
        s * surface + (block_y + y) * line + block_x * 32
        for s in (0, 1)
        for block_y in (0, 4)
        for block_x in (0, 4)
        for y in range(4)
    ]


def test_batch_writes_each_image_to_its_own_place():
    found = [address - (1 << 30) for address in addresses("nv_medium_1024", fc(3, kernels=32), SDP, write=1)]
    atom = 16
    assert found == [image * 4096 + surface * atom for surface in (0, 1) for image in (0, 1, 2)]


@pytest.mark.parametrize(
    ("preset", "ops", "message"),
    [
        (
            "nv_large",
            winograd(),
            "winograd: operation 0: this accelerator is not one that convolves in Winograd form; nv_full is",
        ),
        (
            "nv_large",
            fc(2),
            "batch: operation 0: this accelerator is not one that takes several images a launch; nv_full is",
        ),
        (
            "nv_small",
            compressed(),
            "weight_compression: operation 0: this accelerator is not one that reads compressed weights; "
            "nv_full is",
        ),
        (
            "nv_full",
            winograd(kernel_width=1),
            "winograd: operation 0: Winograd needs a 3x3 kernel of stride 1, found 1x3",
        ),
        (
            "nv_full",
            winograd(14, 16),
            "winograd: operation 0: Winograd needs an output of whole 4x4 blocks, found 14x16",
        ),
        (
            "nv_full",
            fc(2, out_width=4, out_height=4),
            "batch: operation 0: a batch needs an output of one pixel an image, found 4x4",
        ),
        (
            "nv_full",
            compressed(wmb_bytes=128),
            "weight_compression: operation 0: wmb_bytes 128 is less than a bit for each of 73728 weights",
        ),
    ],
)
def test_mode_that_the_accelerator_cannot_run_is_refused(preset, ops, message):
    with pytest.raises(ConfigError) as refused:
        run(preset, ops)
    assert str(refused.value) == message
