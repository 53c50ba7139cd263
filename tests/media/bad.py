"""Writes the inputs that are damaged or hostile: bad.py FASTSTART_MP4 TAIL_INDEX_MP4 TINY_MP4 OUTDIR

FASTSTART_MP4 has its moov in front, TAIL_INDEX_MP4 has it behind, TINY_MP4 is a two second Baseline video to rewrite.
"""

import pathlib
import struct
import sys

CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}


def boxes(data, start=0, end=None):
    """Yields (path, start of the payload, end) of every box, depth first; path is a tuple of four-character codes."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        yield (kind,), start + 8, start + size
        if kind in CONTAINERS:
            for path, inner, stop in boxes(data, start + 8, start + size):
                yield (kind, *path), inner, stop
        start += size


def find(data, kind):
    """The payload's start and end of the first box of this kind."""
    return next((start, end) for path, start, end in boxes(data) if path[-1] == kind)


def absurd_header(tiny):
    """65535 x 65535 in the sample entry and in tkhd, while the coded pictures stay small."""
    data = bytearray(tiny)
    start, end = find(data, b"tkhd")
    struct.pack_into(">II", data, end - 8, 65535 << 16, 65535 << 16)
    entry = data.index(b"avc1", find(data, b"stsd")[0])
    struct.pack_into(">HH", data, entry + 4 + 24, 65535, 65535)
    return bytes(data)


class Bits:
    """H.264's bit syntax (ITU-T H.264 clause 9.1), written."""

    def __init__(self):
        self.text = ""

    def u(self, value, width):
        self.text += format(value, f"0{width}b")
        return self

    def ue(self, value):
        code = format(value + 1, "b")
        self.text += "0" * (len(code) - 1) + code
        return self

    def rbsp(self):
        text = self.text + "1"
        text += "0" * (-len(text) % 8)
        raw = int(text, 2).to_bytes(len(text) // 8, "big")
        out = bytearray()
        for byte in raw:
            if len(out) >= 2 and out[-1] == 0 and out[-2] == 0 and byte <= 3:
                out.append(3)
            out.append(byte)
        return bytes(out)


def huge_pictures(tiny):
    """A sequence parameter set that asks for 16000 x 16000 pictures: some 400 MB each, out of a file of a few kB."""
    macroblocks = 16000 // 16
    sps = Bits().u(66, 8).u(0xC0, 8).u(62, 8).ue(0).ue(0).ue(2).ue(4).u(0, 1)
    sps.ue(macroblocks - 1).ue(macroblocks - 1).u(1, 1).u(1, 1).u(0, 1).u(0, 1)
    payload = b"\x67" + sps.rbsp()
    data = bytearray(tiny)
    at = data.index(b"avcC") + 4
    old = struct.unpack_from(">H", data, at + 6)[0]
    # The box keeps its size: the parameter set is filled up with cabac_zero_words-like padding that parsers skip.
    if len(payload) > old:
        raise SystemExit("the new parameter set does not fit in the place of the old one")
    data[at + 8 : at + 8 + old] = payload + bytes(old - len(payload))
    start, end = find(data, b"tkhd")
    struct.pack_into(">II", data, end - 8, 16000 << 16, 16000 << 16)
    entry = data.index(b"avc1", find(data, b"stsd")[0])
    struct.pack_into(">HH", data, entry + 4 + 24, 16000, 16000)
    return bytes(data)


def zero_fps(tiny):
    """Every sample lasts zero ticks (stts), so that no frame rate can be derived."""
    data = bytearray(tiny)
    start, _ = find(data, b"stts")
    for index in range(struct.unpack_from(">I", data, start + 4)[0]):
        struct.pack_into(">I", data, start + 8 + index * 8 + 4, 0)
    return bytes(data)


def zero_timescale(tiny):
    """A media timescale of zero: a division by zero for whoever trusts it."""
    data = bytearray(tiny)
    start, _ = find(data, b"mdhd")
    struct.pack_into(">I", data, start + 12, 0)
    return bytes(data)


def many_samples(tiny):
    """stsz and stts claim four thousand million samples that the file cannot hold."""
    data = bytearray(tiny)
    start, _ = find(data, b"stsz")
    struct.pack_into(">II", data, start + 4, 1, 0xFFFFFFFF)
    start, _ = find(data, b"stts")
    struct.pack_into(">I", data, start + 8, 0xFFFFFFFF)
    return bytes(data)


def box_size_loop(tiny):
    """A moov whose first child says it is zero bytes long inside its parent, and an endless 64 bit size after it."""
    data = bytearray(tiny)
    start, _ = find(data, b"moov")
    struct.pack_into(">I", data, start, 1)
    struct.pack_into(">Q", data, start + 8, 0xFFFFFFFFFFFFFFFF)
    return bytes(data)


def no_index(data):
    """Everything before moov: the media is there, the index is not."""
    for path, start, _ in boxes(data):
        if path == (b"moov",):
            return data[: start - 8]
    raise SystemExit("the file has no moov")


def cut(data):
    """moov in front, half of the media missing."""
    for path, start, end in boxes(data):
        if path == (b"mdat",):
            return data[: start + (end - start) // 2]
    raise SystemExit("the file has no mdat")


PLAYLIST = """#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:10
#EXTINF:10,
file:///etc/passwd
#EXTINF:10,
http://127.0.0.1:9/secret.ts
#EXT-X-ENDLIST
"""

CONCAT = """ffconcat version 1.0
file '/etc/passwd'
file 'http://127.0.0.1:9/secret.ts'
"""

SDP = """v=0
o=- 0 0 IN IP4 127.0.0.1
s=a session that makes a reader listen on a port
c=IN IP4 127.0.0.1
t=0 0
m=video 9 RTP/AVP 96
a=rtpmap:96 H264/90000
"""


def main(faststart, tail_index, tiny, out):
    faststart, tail_index, tiny = (pathlib.Path(path).read_bytes() for path in (faststart, tail_index, tiny))
    files = {
        "empty.mp4": b"",
        "text.mp4": b"This is the text of a lecture, saved under the wrong name.\n" * 200,
        "cut.mp4": cut(faststart),
        "noindex.mp4": no_index(tail_index),
        "playlist.m3u8": PLAYLIST.encode(),
        "playlist.mp4": PLAYLIST.encode(),
        "concat.txt": CONCAT.encode(),
        "concat.mp4": CONCAT.encode(),
        "session.sdp": SDP.encode(),
        "absurd.mp4": absurd_header(tiny),
        "huge.mp4": huge_pictures(tiny),
        "zero-fps.mp4": zero_fps(tiny),
        "zero-timescale.mp4": zero_timescale(tiny),
        "many-samples.mp4": many_samples(tiny),
        "box-loop.mp4": box_size_loop(tiny),
    }
    for name, data in files.items():
        (pathlib.Path(out) / name).write_bytes(data)


if __name__ == "__main__":
    main(*sys.argv[1:])
