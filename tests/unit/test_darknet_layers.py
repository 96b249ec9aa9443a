"""Darknet's own layer rules: shapes, MACs and weights of every section, by hand."""

from pathlib import Path

import pytest

from hw_models.errors import ConfigError
from workloads import lower
from workloads.graph import Network, Shape, network_weights, node_macs
from workloads.importers.darknet import read_darknet
from workloads.importers.darknet_keys import ALIASES, KEYS, SHORT
from workloads.importers.darknet_layers import KINDS
from workloads.params import NetworkJob

HEAD = "[net]\nwidth=32\nheight=16\nchannels=8\n"


def read(folder: Path, text: str, head: str = HEAD) -> Network:
    path = folder / "net.cfg"
    path.write_text(head + text)
    return read_darknet(path)


def counts(network: Network) -> tuple[int, int]:
    return sum(node_macs(network, node) for node in network.nodes), network_weights(network)


def last(network: Network) -> Shape:
    return network.tensors[network.outputs[-1]]


CONV = "[convolutional]\nfilters=4\nsize=3\npad=1\n"


@pytest.mark.parametrize(
    ("text", "shape", "macs", "weights"),
    [
        ("[conv]\nfilters=4\nsize=3\nstride_x=2\npad=1\n", Shape(4, 16, 16), 4 * 256 * 72, 288),
        ("[conv]\nfilters=4\nsize=3\nstride=4\nstride_y=2\npad=1\n", Shape(4, 8, 8), 4 * 64 * 72, 288),
        ("[conv]\nfilters=4\nsize=3\npad=1\ndilation=4\n", Shape(4, 16, 32), 4 * 512 * 72, 288),
        ("[conv]\nfilters=4\nsize=3\ndilation=2\n", Shape(4, 14, 30), 4 * 420 * 72, 288),
        ("[conv]\nfilters=4\nsize=3\npadding=2\n", Shape(4, 18, 34), 4 * 612 * 72, 288),
        ("[conv]\nfilters=4\nsize=3\npad=1\ngroups=4\n", Shape(4, 16, 32), 4 * 512 * 18, 72),
        ("[conv]\nfilters=4\nsize=3\npad=1\ngroups=4\nxnor=1\n", Shape(4, 16, 32), 4 * 512 * 72, 288),
        ("[conv]\nfilters=4\nsize=3\npad=1\nstride=2\nantialiasing=1\n", Shape(4, 8, 16),
         4 * 512 * 72 + 4 * 128 * 9, 288 + 36),
        (CONV + "[conv]\nfilters=8\nsize=1\n[conv]\nfilters=4\nsize=3\npad=1\nshare_index=-2\n", Shape(4, 16, 32),
         2 * 4 * 512 * 72 + 8 * 512 * 4, 288 + 32),
        ("[deconv]\nfilters=4\nsize=4\nstride=2\npadding=1\n", Shape(4, 32, 64), 8 * 512 * 64, 512),
        ("[connected]\noutput=10\n", Shape(10, 1, 1), 40960, 40960),
        ("[local]\nfilters=2\nsize=3\nstride=2\npad=1\n", Shape(2, 8, 16), 2 * 128 * 72, 2 * 128 * 72),
        ("[local]\nfilters=2\nsize=3\nstride=1\n", Shape(2, 14, 30), 2 * 420 * 72, 2 * 420 * 72),
        ("[max]\nsize=3\nstride=2\n", Shape(8, 8, 16), 0, 0),
        ("[maxpool]\nsize=2\nstride=2\nstride_x=1\n", Shape(8, 8, 32), 0, 0),
        ("[maxpool]\nmaxpool_depth=1\nout_channels=2\nsize=1\nstride=1\n", Shape(2, 16, 32), 0, 0),
        ("[local_avg]\nsize=4\nstride=4\n", Shape(8, 4, 8), 0, 0),
        ("[avg]\n", Shape(8, 1, 1), 0, 0),
        ("[upsample]\nstride=3\n", Shape(8, 48, 96), 0, 0),
        ("[upsample]\nstride=-2\n", Shape(8, 8, 16), 0, 0),
        ("[reorg]\nstride=2\n", Shape(32, 8, 16), 0, 0),
        ("[reorg3d]\nstride=2\nreverse=1\n", Shape(2, 32, 64), 0, 0),
        ("[crop]\ncrop_height=10\ncrop_width=12\n", Shape(8, 10, 12), 0, 0),
        ("[rnn]\nhidden=6\noutput=5\n", Shape(5, 1, 1), 4096 * 6 + 36 + 30, 4096 * 6 + 36 + 30),
        ("[gru]\noutput=5\n", Shape(5, 1, 1), 15 * 4101, 15 * 4101),
        ("[lstm]\noutput=5\n", Shape(5, 1, 1), 20 * 4101, 20 * 4101),
        ("[crnn]\nhidden=6\noutput=4\npad=1\n", Shape(4, 16, 32), 512 * 9 * (48 + 36 + 24), 9 * 108),
        ("[conv_lstm]\noutput=4\npad=1\n", Shape(4, 16, 32), 512 * 9 * 4 * (32 + 16), 9 * 4 * 48),
        ("[history]\nhistory_size=3\n", Shape(24, 16, 32), 0, 0),
        (CONV + "[route]\nlayers=-1,\n", Shape(4, 16, 32), 4 * 512 * 72, 288),
        (CONV + "[route]\nlayers=-1,0\ngroups=2\ngroup_id=1\n", Shape(4, 16, 32), 4 * 512 * 72, 288),
        (CONV + "[sam]\nfrom=-1\n", Shape(4, 16, 32), 4 * 512 * 72, 288),
        (CONV + "[avg]\n[scale_channels]\nfrom=0\n", Shape(4, 16, 32), 4 * 512 * 72, 288),
        (CONV + "[conv]\nfilters=6\nsize=1\nstride=2\n[shortcut]\nfrom=0\n", Shape(6, 8, 16),
         4 * 512 * 72 + 6 * 128 * 4, 288 + 24),
        (CONV + "[shortcut]\nfrom=-1,\nweights_type=per_channel\nweights_normalization=relu\n", Shape(4, 16, 32),
         4 * 512 * 72, 288),
    ],
)  # fmt: skip
def test_a_section(tmp_path, text, shape, macs, weights):
    network = read(tmp_path, text)
    assert (last(network), *counts(network)) == (shape, macs, weights)
    program = lower(
        NetworkJob.model_validate({"network": str(tmp_path / "net.cfg"), "on": "a", "fallback": "b"}),
        "nv_small",
    )
    assert int(program.ops["macs"].sum()) + program.core_macs == macs


def test_every_section_that_has_keys_has_a_maker():
    assert set(KEYS) - {"net"} == set(KINDS)
    assert set(ALIASES.values()) | set(SHORT) <= set(KEYS)


def test_dilated_kernels_see_the_pixels_that_darknet_pads(tmp_path):
    window = read(tmp_path, "[conv]\nfilters=4\nsize=3\npad=1\ndilation=4\n").nodes[0].window
    assert (window.top, window.bottom, window.dilation_y) == (4, 4, 4)


def test_a_vector_network_has_inputs_and_no_image(tmp_path):
    network = read(tmp_path, "[rnn]\nhidden=4\noutput=6\n", "[net]\ninputs=256\ntime_steps=100\n")
    assert network.tensors["image"] == Shape(256, 1, 1)
    assert network.notes == ["one of 100 time steps is a frame"]


def test_the_first_of_two_values_counts_and_the_other_is_said(tmp_path):
    network = read(tmp_path, CONV + "filters=8\n")
    assert last(network) == Shape(4, 16, 32)
    assert network.notes == ["line 9: [convolutional] filters=8 is ignored: line 6 says 4"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[convolutionel]\n", ":5: [convolutionel]: unknown section; did you mean [convolutional]?"),
        (CONV + "pads=1\n", ":9: [convolutional] pads: unknown key; did you mean 'pad'?"),
        (CONV + "[route]\nlayers=,\n", ":10: [route] layers: ',' names no layer; write `layers=-1,8`"),
        (CONV + "share_index=0\n", ":9: [convolutional] share_index: 0 names no earlier layer; this is layer 0, "
         "write 0 to 0"),
        (CONV + "[scale_channels]\nfrom=0\n", ":9: [scale_channels]: scale_channels_1: 4x16x32 does not scale the "
         "channels of 4x16x32; 1x1 pixels do"),
        ("[dropout]\nprobability=.5\n", ":1: [net]: the network has no layers that do work; the file may be cut off"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path, text, message):
    with pytest.raises(ConfigError) as error:
        read(tmp_path, text)
    assert str(error.value) == f"{tmp_path / 'net.cfg'}{message}"
