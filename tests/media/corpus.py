"""Changes a made clip as no encoder would write it.

corpus.py matrix MP4 OUT A B C D   its picture's display matrix: one pixel right goes to (A, B), one down to (C, D)
corpus.py cut FILE OUT SHARE       only the first SHARE of it
corpus.py behead TS OUT SHARE      without the first SHARE of its packets
corpus.py flip TS OUT              noise in packets of the middle
corpus.py clock TS OUT SHARE TICKS  from SHARE of it on, what its clock says is TICKS of 90 kHz later
corpus.py pulldown MPEG2 OUT       24000/1001 pictures a second without reordering, marked to be shown as 60000/1001 fields
corpus.py captions FILE OUT [LATE] a CTA-608 caption, LATE pictures late, in H.264 of Annex B or MPEG-2 video without reordering
corpus.py wvtt MP4 OUT             its subtitles of 3GPP, each 25 points, are WebVTT
corpus.py pgs - OUT                subtitles that are pictures, from half a second to two
corpus.py teletext TS OUT          its DVB subtitles are called teletext
"""

import pathlib
import random
import re
import struct
import sys

import bad


def matrix(data, a, b, c, d):
    """ISO/IEC 14496-12, 6.2.2: entries are 16.16, but for the last column."""
    data = bytearray(data)
    at = bad.find(data, b"tkhd")[1] - 44
    entries = (value << 16 for value in map(int, (a, b, c, d)))
    first, second, third, fourth = entries
    struct.pack_into(">9i", data, at, first, second, 0, third, fourth, 0, 0, 0, 1 << 30)
    return data


def cut(data, share):
    return data[: int(len(data) * float(share))]


def behead(data, share):
    return data[int(len(data) // 188 * float(share)) * 188 :]


def flip(data):
    """One packet in eight between 55 % and 70 % of an MPEG-TS is noise behind its header."""
    data, dice = bytearray(data), random.Random(1)
    packets = len(data) // 188
    for packet in range(packets * 55 // 100, packets * 70 // 100, 8):
        at = packet * 188 + 12
        data[at : at + 160] = dice.randbytes(160)
    return data


def clock(data, share, ticks):
    """ISO/IEC 13818-1, 2.4.3: PCR, PTS and DTS, all of 33 bits."""
    data, ticks = bytearray(data), int(ticks)
    later = lambda time: time + ticks & (1 << 33) - 1
    for at in range(int(len(data) // 188 * float(share)) * 188, len(data), 188):
        field, payload = data[at + 3] & 0x20, at + 4
        if field:
            payload += 1 + data[at + 4]
            if data[at + 4] and data[at + 5] & 0x10:
                pcr = int.from_bytes(data[at + 6 : at + 12], "big")
                data[at + 6 : at + 12] = (later(pcr >> 15) << 15 | pcr & 0x7FFF).to_bytes(6, "big")
        if data[at + 1] & 0x40 and data[payload : payload + 3] == b"\0\0\1":
            for stamp in range(payload + 9, payload + 9 + 5 * (data[payload + 7] >> 6 & 1) + 5 * (data[payload + 7] >> 7), 5):
                bits = int.from_bytes(data[stamp : stamp + 5], "big")
                time = later(bits >> 3 & 7 << 30 | bits >> 2 & 0x7FFF << 15 | bits >> 1 & 0x7FFF)
                bits = bits >> 36 << 36 | (time >> 30) << 33 | (time >> 15 & 0x7FFF) << 17 | (time & 0x7FFF) << 1 | 0x100010001
                data[stamp : stamp + 5] = bits.to_bytes(5, "big")
    return data


def pulldown(data):
    """ISO/IEC 13818-2, 6.3.10: top_field_first and repeat_first_field in the 3:2 pattern, in a sequence of fields."""
    data, shown = bytearray(data), 0
    for found in re.finditer(b"\0\0\1[\xb3\xb5]", bytes(data)):
        at = found.end()
        if data[at - 1] == 0xB3:
            # frame_rate_code: 30000/1001
            data[at + 3] = data[at + 3] & 0xF0 | 4
        elif data[at] >> 4 == 1:
            # progressive_sequence
            data[at + 1] &= 0xF7
        elif data[at] >> 4 == 8:
            top, repeat = [(1, 1), (0, 0), (0, 1), (1, 0)][shown % 4]
            data[at + 3] = data[at + 3] & 0x7C | top << 7 | repeat << 1 | 1
            data[at + 4] |= 0x80
            shown += 1
    return data


def captions(data, late=0):
    """Pop-on captions of CTA-608 in ATSC A/53 user data (ITU-T H.264, D.1.6; H.262), one pair of bytes a picture of 25 a second."""
    control = [(0x14, 0x20)] * 2 + [(0x14, 0x2E)] * 2 + [(0x14, 0x70)] * 2
    text = [tuple(b"HELLO THERE!"[at : at + 2]) for at in range(0, 12, 2)]
    pairs = [(0, 0)] * int(late) + control + text + [(0x14, 0x2F)] * 2 + [(0, 0)] * 23 + [(0x14, 0x2C)] * 2
    odd = lambda byte: byte | (0x80 if byte.bit_count() % 2 == 0 else 0)
    out, shown, mpeg2 = bytearray(), 0, data[:4] == b"\0\0\1\xb3"
    for unit in re.split(b"(?:\0)?\0\0\1", data)[1:]:
        if unit[0] == 1 if mpeg2 else unit[0] & 31 in (1, 5):
            pair = pairs[shown] if shown < len(pairs) else (0, 0)
            payload = b"GA94\x03\xc1\xff\xfc" + bytes(map(odd, pair)) + b"\xff"
            sei = b"\x06\x04" + bytes([len(payload) + 3]) + b"\xb5\0\x31" + payload + b"\x80"
            out += b"\0\0\0\1" + (b"\xb2" + payload if mpeg2 else sei)
            shown += 1
        out += b"\0\0\0\1" + unit
    return out


def wvtt(data):
    """ISO/IEC 14496-30, 7.3 to 7.5, in the place of ISO/IEC 14496-12's text of 3GPP TS 26.245."""
    entry, data = data.index(b"tx3g"), bytearray(data)
    size = int.from_bytes(data[entry - 4 : entry], "big")
    config = box(b"vttC", b"WEBVTT")
    data[entry : entry + size - 4] = b"wvtt" + data[entry + 4 : entry + 12] + config + box(b"free", bytes(size - 24 - len(config)))
    cue = box(b"vttc", box(b"payl", b"Hello there"))
    return data.replace(bytes([0, len(cue) - 2]) + b"." * (len(cue) - 2), cue)


def box(name, body):
    return struct.pack(">I4s", 8 + len(body), name) + body


def pgs(_, at=45000, until=180000):
    """A white bar as Presentation Graphics has it, from one time of 90 kHz to another."""
    segment = lambda time, kind, body: b"PG" + struct.pack(">IIBH", time, 0, kind, len(body)) + body
    composed = lambda number, state, objects: struct.pack(">HHBHBBB", 320, 180, 0x10, number, state, 0, 0) + objects
    window = struct.pack(">BBHHHH", 1, 0, 100, 150, 60, 8)
    bar = struct.pack(">HH", 60, 8) + b"\0\xbc\1\0\0" * 8
    return b"".join(
        [
            segment(at, 0x16, composed(0, 0x80, struct.pack(">BHBBHH", 1, 0, 0, 0, 100, 150))),
            segment(at, 0x17, window),
            segment(at, 0x14, b"\0\0\1\xeb\x80\x80\xff"),
            segment(at, 0x15, b"\0\0\0\xc0" + len(bar).to_bytes(3, "big") + bar),
            segment(at, 0x80, b""),
            segment(until, 0x16, composed(1, 0, b"\0")),
            segment(until, 0x17, window),
            segment(until, 0x80, b""),
        ]
    )


def teletext(data):
    """ETSI EN 300 468, 6.2.43: the descriptor of subtitles becomes that of teletext."""
    data = bytearray(data)
    for at in range(0, len(data), 188):
        found = data.find(b"\x59\x08", at, at + 188)
        if data[at + 1] & 0x40 and data[at + 5] == 2 and found > 0:
            data[found] = 0x56
            end = at + 8 + (int.from_bytes(data[at + 6 : at + 8], "big") & 0xFFF)
            data[end - 4 : end] = crc(data[at + 5 : end - 4]).to_bytes(4, "big")
    return data


def crc(data):
    """ISO/IEC 13818-1, annex A."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1 ^ (0x04C11DB7 if register >> 31 else 0)) & 0xFFFFFFFF
    return register


def main(what, source, out, *rest):
    makers = {"matrix": matrix, "cut": cut, "behead": behead, "flip": flip, "clock": clock, "pulldown": pulldown}
    makers |= {"captions": captions, "wvtt": wvtt, "pgs": pgs, "teletext": teletext}
    pathlib.Path(out).write_bytes(makers[what](pathlib.Path(source).read_bytes(), *rest))


if __name__ == "__main__":
    main(*sys.argv[1:])
