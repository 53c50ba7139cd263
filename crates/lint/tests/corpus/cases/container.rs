//! What cannot be fetched or told apart, and rules of ISO BMFF, CMAF and Common Encryption.

use super::{Case, Edit, boxes, case, crypt, list, master, mpd};
use crate::{media, pieces};

pub(super) fn cases() -> Vec<Case> {
    [inputs(), bmff(), cmaf(), cenc()].concat()
}

fn inputs() -> Vec<Case> {
    vec![
        case("input.fetch", "m.m3u8", false, Edit::Remove("v1/1.m4s")),
        case("input.unknown", "m.m3u8", false, Edit::Replace("m.m3u8", b"hello".to_vec())),
        Case { fetches: Some(4), ..master("input.limit", "#EXT", "#EXT") },
        list("input.uri", "v1/1.m4s", "v1/1 .m4s"),
        Case { content_type: Some("text/plain"), ..master("hls.content-type", "#EXT", "#EXT") },
        Case { content_type: Some("text/plain"), ..mpd("dash.content-type", "MPD", "MPD") },
    ]
}

fn bmff() -> Vec<Case> {
    vec![
        boxes("bmff.audio-entry", "a/i.mp4", "mp4a", 28, &[0x56, 0x22]),
        boxes("bmff.box-missing", "v1/0.m4s", "mfhd", 0, b"free"),
        boxes("bmff.box-missing", "v1/i.mp4", "avcC", 0, b"free"),
        boxes("bmff.box-size", "v1/0.m4s", "mdat", -3, &[1]),
        boxes("bmff.brands", "v1/i.mp4", "ftyp", 0, b"free"),
        boxes("bmff.config", "v1/i.mp4", "avcC", 4, &[9]),
        boxes("bmff.data-offset", "v1/0.m4s", "trun", 14, &[9]),
        boxes("bmff.dimensions", "v1/i.mp4", "avc1", 28, &[2]),
        boxes("bmff.duration-zero", "v1/0.m4s", "trun", 16, &[0; 4]),
        boxes("bmff.edit-list", "v1/i.mp4", "elst", 20, &[0, 2]),
        boxes("bmff.handler", "v1/i.mp4", "vide", 0, b"soun"),
        boxes("bmff.mvex", "v1/i.mp4", "mvex", 0, b"free"),
        boxes("bmff.nal-length", "v1/0.m4s", "mdat", 7, &[200]),
        boxes("bmff.sample-table", "v1/0.m4s", "trun", 8, &[1]),
        boxes("bmff.sequence-number", "v1/1.m4s", "mfhd", 11, &[1]),
        case("bmff.sidx", "x.mp4", false, Edit::Bytes("x.mp4", "sidx", 30, vec![9])),
        boxes("bmff.track-id", "v1/0.m4s", "tfhd", 11, &[7]),
    ]
}

fn cmaf() -> Vec<Case> {
    vec![
        boxes("cmaf.box-order", "v1/0.m4s", "mdat", 0, b"free"),
        boxes("cmaf.brand", "v1/i.mp4", "ftyp", 4, b"iso6\0\0\0\0iso6iso5"),
        boxes("cmaf.default-base-is-moof", "v1/0.m4s", "tfhd", 5, &[0]),
        case("cmaf.one-track", "m.m3u8", false, Edit::Replace("v1/i.mp4", pieces::two_tracks())),
        case("cmaf.one-traf", "m.m3u8", false, Edit::Replace("v1/0.m4s", pieces::two_fragments())),
        boxes("cmaf.samples-in-moov", "v1/i.mp4", "stsz", 15, &[3]),
        boxes("cmaf.segment-empty", "v1/1.m4s", "moof", 0, b"free").with(Edit::Bytes(
            "v1/1.m4s",
            "mdat",
            0,
            b"free".to_vec(),
        )),
        boxes("cmaf.starts-with-sync", "v1/1.m4s", "trun", 24, &[1, 1]),
        boxes("cmaf.starts-with-sync", "v1/1.m4s", "mdat", 8, &[0x41]),
        case("cmaf.switching-set", "m.mpd", false, Edit::Bytes("v2/i.mp4", "mdhd", 18, vec![0x61, 0xa9])),
        boxes("cmaf.tfdt", "v1/0.m4s", "tfdt", 0, b"free"),
        boxes("cmaf.tfdt-continuity", "v1/1.m4s", "tfdt", 15, &[9]),
    ]
}

fn cenc() -> Vec<Case> {
    let reused = media::segment(true, true, 0);
    let cbcs =
        crypt("cenc.constant-iv", "v1/i.mp4", "schm", 8, b"cbcs").with(Edit::Bytes("v1/i.mp4", "tenc", 11, vec![0]));
    vec![
        crypt("cenc.blocks", "v1/0.m4s", "senc", 23, &[26, 0, 0, 0, 79]),
        crypt("cenc.clear-header", "v1/0.m4s", "senc", 22, &[0, 4, 0, 0, 0, 101]),
        cbcs,
        Case { key: Some([1; 16]), ..crypt("cenc.decrypt", "a/0.m4s", "free", 0, b"free") }.without_edits(),
        case("cenc.iv-reuse", "m.m3u8", true, Edit::Replace("v1/1.m4s", reused)),
        crypt("cenc.iv-size", "v1/i.mp4", "tenc", 11, &[7]),
        crypt("cenc.pattern", "v1/i.mp4", "tenc", 4, &[1]).with(Edit::Bytes("v1/i.mp4", "tenc", 9, vec![0x19])),
        crypt("cenc.pssh", "v1/i.mp4", "pssh", 27, &[99]),
        crypt("cenc.pssh-kid", "v1/i.mp4", "pssh", 35, &[99]),
        crypt("cenc.saio", "v1/0.m4s", "saio", 15, &[1]),
        crypt("cenc.saiz", "v1/0.m4s", "saiz", 8, &[9]),
        crypt("cenc.scheme", "v1/i.mp4", "schm", 8, b"piff"),
        case("cenc.seig", "m.m3u8", true, Edit::Replace("v1/0.m4s", pieces::grouped())),
        crypt("cenc.senc", "v1/0.m4s", "senc", 11, &[4]),
        crypt("cenc.senc-missing", "v1/0.m4s", "senc", 0, b"free").with(Edit::Bytes(
            "v1/0.m4s",
            "saio",
            0,
            b"free".to_vec(),
        )),
        crypt("cenc.sinf", "v1/i.mp4", "frma", 0, b"free"),
        crypt("cenc.subsample-sum", "v1/0.m4s", "senc", 23, &[99]),
    ]
}
