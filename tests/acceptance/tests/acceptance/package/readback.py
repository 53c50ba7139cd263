"""Prints what the package m3u8 reads in every playlist below a folder, as JSON: {path: playlist}."""

import json
import sys
from pathlib import Path

import m3u8


def key(one):
    return {
        "method": one.method,
        "uri": one.uri,
        "iv": one.iv,
        "format": one.keyformat,
        "versions": one.keyformatversions,
    }


def stream(one, info):
    return {
        "uri": one.uri,
        "bandwidth": info.bandwidth,
        "average": info.average_bandwidth,
        "codecs": info.codecs,
        "resolution": "x".join(map(str, info.resolution)) if info.resolution else None,
        "frame_rate": info.frame_rate,
        "range": info.video_range,
        "audio": info.audio,
        "subtitles": info.subtitles,
        "captions": info.closed_captions,
    }


def rendition(one):
    return {
        "type": one.type,
        "group": one.group_id,
        "language": one.language,
        "name": one.name,
        "default": one.default == "YES",
        "autoselect": one.autoselect == "YES",
        "forced": one.forced == "YES",
        "characteristics": one.characteristics,
        "channels": one.channels,
        "instream": one.instream_id,
        "uri": one.uri,
    }


def multivariant(playlist):
    return {
        "independent": playlist.is_independent_segments,
        "variants": [stream(one, one.stream_info) for one in playlist.playlists],
        "iframes": [stream(one, one.iframe_stream_info) for one in playlist.iframe_playlists],
        "media": [rendition(one) for one in playlist.media],
        "session_keys": [key(one) for one in playlist.session_keys],
    }


def utc(date):
    return date.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def segment(one):
    init = one.init_section
    return {
        "uri": one.uri,
        "duration_us": round(one.duration * 1_000_000),
        "range": one.byterange,
        "map": {"uri": init.uri, "range": init.byterange} if init else None,
        "keys": None,
        # Of several keys this reader keeps the last.
        "last_key": key(one.key) if one.key and one.key.method else None,
        "date": utc(one.program_date_time) if one.program_date_time else None,
    }


def date_range(one):
    return {
        "id": one.id,
        "start": one.start_date,
        "duration_s": one.duration,
        "planned_s": one.planned_duration,
        "scte35": one.scte35_out or one.scte35_in or one.scte35_cmd,
        "asset": dict(one.x_client_attrs).get("x_asset_uri", "").strip('"') or None,
    }


def media(playlist):
    ranges = [date_range(one) for segment in playlist.segments for one in segment.dateranges]
    return {
        "target_s": playlist.target_duration,
        "sequence": playlist.media_sequence,
        "kind": playlist.playlist_type and playlist.playlist_type.upper(),
        "ended": playlist.is_endlist,
        "iframes_only": playlist.is_i_frames_only,
        "independent": playlist.is_independent_segments,
        "segments": [segment(one) for one in playlist.segments],
        "keys": [key(one) for one in playlist.keys if one and one.method],
        "date_ranges": ranges,
    }


root = Path(sys.argv[1])
found = {}
for path in sorted(root.rglob("*.m3u8")):
    playlist = m3u8.loads(path.read_text())
    found[str(path.relative_to(root))] = multivariant(playlist) if playlist.is_variant else media(playlist)
print(json.dumps(found))
