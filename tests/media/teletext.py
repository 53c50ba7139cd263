#!/usr/bin/env python3
"""Puts teletext subtitles into a transport stream that FFmpeg made: python3 teletext.py SOURCE.ts OUT.ts PAGES.json

PAGES.json lists the pages of one elementary stream, in the order of its descriptor:
  [{"page": "888", "language": "eng", "kind": 2, "national": 0, "cues": [[from_s, to_s, [[row, "text"], ...]], ...]}, ...]
`kind` is teletext_type (EN 300 468 6.2.43), `national` the option C12 to C14 (EN 300 706 15.2). Text is bytes of Latin-1, of
which those below 32 are spacing attributes. "repeat_s", 1 unless stated, is how often a page that stands is sent again; a cue
without rows and with `to_s` null clears nothing. `--no-descriptor` leaves the descriptor out.

EN 300 472: units 0x03 of 44 bytes in private PES packets; EN 300 706: odd parity, Hamming 8/4, rows.
"""

import json
import sys

PID, PMT_PID = 0x150, 0x1000
# 40 ms at 90 kHz.
AHEAD = 3600
HAMMING = [0x15, 0x02, 0x49, 0x5E, 0x64, 0x73, 0x38, 0x2F, 0xD0, 0xC7, 0x8C, 0x9B, 0xA1, 0xB6, 0xFD, 0xEA]
CRC_POLYNOMIAL = 0x04C11DB7


def reversed_bits(byte):
    return int(f"{byte:08b}"[::-1], 2)


def odd(byte):
    return byte | (0 if bin(byte).count("1") % 2 else 0x80)


def packet(magazine, row, payload):
    """One row as a data unit: what a television's decoder gets, first bit first."""
    address = [HAMMING[(magazine & 7) | (row & 1) << 3], HAMMING[row >> 1]]
    body = bytes(reversed_bits(byte) for byte in address + payload)
    assert len(body) == 42
    return bytes([0x03, 0x2C, 0xE7, 0xE4]) + body


def header(page, erase, national):
    """Row 0: a subtitle, header suppressed, magazines in parallel."""
    digits = [page & 15, page >> 4 & 15]
    control = [0, 8 if erase else 0, 0, 8, 1, (national & 4) >> 1 | (national & 2) << 1 | (national & 1) << 3]
    return packet(page >> 8, 0, [HAMMING[value] for value in digits + control] + [odd(0x20)] * 32)


def page_units(page, rows, national):
    units = [header(page, True, national)]
    for row, text in rows:
        coded = text.encode("latin-1")[:40].ljust(40)
        units.append(packet(page >> 8, row, [odd(byte & 0x7F) for byte in coded]))
    # A header of no page ends the one before it.
    units.append(header(page & 0xF00 | 0xFF, False, national))
    return units


def crc32(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (CRC_POLYNOMIAL if crc >> 31 else 0)) & 0xFFFFFFFF
    return crc.to_bytes(4, "big")


def pes(pts, units):
    while (len(units) + 1) % 4:
        units = units + [bytes([0xFF, 0x2C]) + b"\xff" * 44]
    stamp = bytes([0x21 | pts >> 29 & 0x0E, pts >> 22 & 255, 1 | pts >> 14 & 254, pts >> 7 & 255, 1 | pts << 1 & 254])
    body = bytes([0x84, 0x80, 0x24]) + stamp + b"\xff" * 31 + b"\x10" + b"".join(units)
    return b"\x00\x00\x01\xbd" + len(body).to_bytes(2, "big") + body


def ts_packets(data, counter):
    out = []
    for at in range(0, len(data), 184):
        piece = data[at:at + 184]
        assert len(piece) == 184
        start = 0x40 if at == 0 else 0
        out.append(bytes([0x47, start | PID >> 8, PID & 255, 0x10 | counter[0]]) + piece)
        counter[0] = (counter[0] + 1) & 15
    return out


def with_teletext(section_packet, pages, described):
    """The programme's map with one stream more."""
    length = (section_packet[6] & 15) << 8 | section_packet[7]
    section = section_packet[5:5 + 3 + length - 4]
    descriptor = b""
    for page in pages:
        number = int(page["page"], 16)
        descriptor += page["language"].encode() + bytes([page["kind"] << 3 | number >> 8 & 7, number & 255])
    descriptor = bytes([0x56, len(descriptor)]) + descriptor if described else b""
    section += bytes([0x06, 0xE0 | PID >> 8, PID & 255, 0xF0, len(descriptor)]) + descriptor
    section = section[:1] + (0xB000 | len(section) + 1).to_bytes(2, "big") + section[3:]
    whole = section_packet[:5] + section + crc32(section)
    assert len(whole) <= 188
    return whole.ljust(188, b"\xff")


def start_of(data):
    """The presentation time of a PES packet that begins in a transport packet; None without one."""
    at = 4 + (1 + data[4] if data[3] & 0x20 else 0)
    head = data[at:at + 14]
    if not data[1] & 0x40 or len(head) < 14 or head[:3] != b"\0\0\1" or not head[7] & 0x80:
        return None
    time = head[9:14]
    return (time[0] >> 1 & 7) << 30 | time[1] << 22 | (time[2] >> 1) << 15 | time[3] << 7 | time[4] >> 1


def clock_of(data):
    """The programme's clock at 90 kHz, where a packet tells it."""
    if not data[3] & 0x20 or data[4] < 7 or not data[5] & 0x10:
        return None
    return int.from_bytes(data[6:10], "big") << 1 | data[10] >> 7


def sent(pages, origin):
    """Every transmission of a page: its time on the 90 kHz clock and its units."""
    at = []
    for page in pages:
        number, national = int(page["page"], 16), page.get("national", 0)
        for begin, end, rows in page["cues"]:
            time = begin
            while time < (end if end is not None else begin + 1e-9):
                at.append((time, page_units(number, rows, national)))
                time += page.get("repeat_s", 1)
            if end is not None:
                at.append((end, page_units(number, [], national)))
    at.sort(key=lambda entry: entry[0])
    return [(origin + round(time * 90_000), units) for time, units in at]


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--no-descriptor"]
    source, target, pages = arguments
    with open(source, "rb") as file:
        data = file.read()
    with open(pages, encoding="utf-8") as file:
        pages = json.load(file)
    described = "--no-descriptor" not in sys.argv
    packets = [data[at:at + 188] for at in range(0, len(data), 188)]
    # Pictures count; FFmpeg's first stream has PID 0x100.
    times = [start_of(one) if (one[1] & 31) << 8 | one[2] == 0x100 else None for one in packets]
    origin = min(time for time in times if time is not None)
    waiting, counter, out = sent(pages, origin), [0], []
    for one in packets:
        clock = clock_of(one)
        # What is decoded at once is sent just before (EN 300 472 5).
        while waiting and clock is not None and waiting[0][0] <= clock + AHEAD:
            out += ts_packets(pes(*waiting.pop(0)), counter)
        is_map = (one[1] & 31) << 8 | one[2] == PMT_PID and one[1] & 0x40
        out.append(with_teletext(one, pages, described) if is_map else one)
    for entry in waiting:
        out += ts_packets(pes(*entry), counter)
    with open(target, "wb") as file:
        file.write(b"".join(out))


main()
