//! A tiny writer of fragmented MP4, apart from everything that is tested.

use drm::{ContentKey, Iv, KeyId, ProtectionScheme, SampleEncryption, Subsample, TrackProtection};

pub(crate) const KEY_ID: [u8; 16] = *b"0123456789abcdef";
pub(crate) const KEY: [u8; 16] = *b"fedcba9876543210";
const SPS: &str = "6764000cacb202833f3e0220000003002000000641e2854901";
/// Samples of a segment of two seconds.
const VIDEO_SAMPLES: u32 = 5;
const AUDIO_SAMPLES: u32 = 12;

pub(crate) fn atom(kind: &str, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&(body.len() as u32 + 8).to_be_bytes(), kind.as_bytes(), &body].concat()
}

fn full(kind: &str, version: u8, flags: u32, parts: &[&[u8]]) -> Vec<u8> {
    let word = (u32::from(version) << 24 | flags).to_be_bytes();
    atom(kind, &[&word, &parts.concat()])
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

/// Widevine's box for one key.
pub(crate) fn pssh() -> Vec<u8> {
    let system = hex::decode("edef8ba979d64acea3c827dcd51d21ed").unwrap();
    let data = [&[0x12, 16][..], &KEY_ID].concat();
    full("pssh", 0, 0, &[&system, &words(&[data.len() as u32]), &data])
}

fn sinf(format: &str) -> Vec<u8> {
    let tenc = full("tenc", 0, 0, &[&[0, 0, 1, 8], &KEY_ID]);
    let schm = full("schm", 0, 0, &[b"cenc", &words(&[0x1_0000])]);
    atom("sinf", &[&atom("frma", &[format.as_bytes()]), &schm, &atom("schi", &[&tenc])])
}

fn entry(video: bool, protected: bool) -> Vec<u8> {
    let sinf = |format: &str| if protected { sinf(format) } else { Vec::new() };
    if video {
        let sps = hex::decode(SPS).unwrap();
        let config =
            [&[1, 0x64, 0, 0x0c, 0xff, 0xe1, 0, sps.len() as u8][..], &sps, &[1, 0, 4, 0x68, 0xeb, 0xe3, 0xcb]]
                .concat();
        let mut head = vec![0; 78];
        head[7] = 1;
        head[24..28].copy_from_slice(&[1, 64, 0, 180]);
        let colour = atom("colr", &[b"nclx", &[0, 1, 0, 1, 0, 1, 0]]);
        atom(if protected { "encv" } else { "avc1" }, &[&head, &atom("avcC", &[&config]), &colour, &sinf("avc1")])
    } else {
        let mut head = vec![0; 28];
        (head[7], head[17], head[24], head[25]) = (1, 2, 0xbb, 0x80);
        let decoder = [&[4, 17, 0x40, 0x15][..], &[0; 11], &[5, 2, 0x11, 0x90]].concat();
        let esds = full("esds", 0, 0, &[&[3, 22, 0, 0, 0], &decoder]);
        atom(if protected { "enca" } else { "mp4a" }, &[&head, &esds, &sinf("mp4a")])
    }
}

pub(crate) fn init(video: bool, protected: bool) -> Vec<u8> {
    let scale = if video { 25_000 } else { 48_000 };
    let stbl = atom(
        "stbl",
        &[
            &full("stsd", 0, 0, &[&words(&[1]), &entry(video, protected)]),
            &full("stts", 0, 0, &[&words(&[0])]),
            &full("stsc", 0, 0, &[&words(&[0])]),
            &full("stsz", 0, 0, &[&words(&[0, 0])]),
            &full("stco", 0, 0, &[&words(&[0])]),
        ],
    );
    let mdia = atom(
        "mdia",
        &[
            &full("mdhd", 0, 0, &[&words(&[0, 0, scale, 0]), &[0x55, 0xc4, 0, 0]]),
            &full("hdlr", 0, 0, &[&words(&[0]), if video { b"vide" } else { b"soun" }, &[0; 13]]),
            &atom("minf", &[&stbl]),
        ],
    );
    let edts = atom("edts", &[&full("elst", 0, 0, &[&words(&[1, 0, 0, 0x1_0000])])]);
    let tkhd = full("tkhd", 0, 7, &[&words(&[0, 0, 1, 0, 0]), &[0; 60]]);
    let mvex = atom("mvex", &[&full("trex", 0, 0, &[&words(&[1, 1, 0, 0, 0])])]);
    let pssh = if protected { pssh() } else { Vec::new() };
    let moov = atom("moov", &[&full("mvhd", 0, 0, &[&[0; 96]]), &atom("trak", &[&tkhd, &edts, &mdia]), &mvex, &pssh]);
    [atom("ftyp", &[b"cmfc", &[0; 4], b"iso6cmfc"]), moov].concat()
}

/// Clear bytes of a sample.
fn sample(video: bool, index: u32, seed: u32) -> Vec<u8> {
    let noise = (0..100u32).map(|at| ((at * 7 + seed * 13 + index) % 200 + 20) as u8);
    if video {
        let header = if index == 0 { 0x65 } else { 0x41 };
        [&[0, 0, 0, 101, header][..], &noise.collect::<Vec<_>>()].concat()
    } else {
        [&[0x21][..], &noise.collect::<Vec<_>>()].concat()
    }
}

pub(crate) fn segment(video: bool, protected: bool, number: u32) -> Vec<u8> {
    let count = if video { VIDEO_SAMPLES } else { AUDIO_SAMPLES };
    let duration = if video { 10_000 } else { 8_000 };
    let (mut data, mut runs, mut entries) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..count {
        let mut bytes = sample(video, index, number);
        let flags = if index == 0 || !video { 0x200_0000 } else { 0x101_0000 };
        runs.extend(words(&[duration, bytes.len() as u32, flags]));
        let iv = (u64::from(number) << 32 | u64::from(index)).to_be_bytes();
        entries.extend(iv);
        let clear = bytes.len() as u16 - 80;
        let subsamples = if video { vec![Subsample { clear, protected: 80 }] } else { Vec::new() };
        if video {
            entries.extend([&[0, 1][..], &clear.to_be_bytes(), &words(&[80])].concat());
        }
        if protected {
            let protection = TrackProtection {
                scheme: ProtectionScheme::Cenc,
                key_id: KeyId(KEY_ID),
                iv_size: 8,
                constant_iv: None,
                crypt_blocks: 0,
                skip_blocks: 0,
            };
            // Counter mode is its own inverse.
            let entry = SampleEncryption { iv: Iv::new(&iv), subsamples };
            drm::decrypt_sample(&ContentKey::new(KEY), &protection, &entry, &mut bytes).unwrap();
        }
        data.extend(bytes);
    }
    let moof = |offset: u32, saio: u32| {
        let trun = full("trun", 0, 0x701, &[&words(&[count, offset]), &runs]);
        let senc = full("senc", 0, if video { 2 } else { 0 }, &[&words(&[count]), &entries]);
        let saiz = full("saiz", 0, 0, &[&[if video { 16 } else { 8 }], &words(&[count])]);
        let saio = full("saio", 0, 0, &[&words(&[1, saio])]);
        let extra = if protected { [saiz, saio, senc].concat() } else { Vec::new() };
        let tfdt = full("tfdt", 1, 0, &[&u64::from(number * count * duration).to_be_bytes()]);
        let traf = atom("traf", &[&full("tfhd", 0, 0x2_0000, &[&words(&[1])]), &tfdt, &trun, &extra]);
        atom("moof", &[&full("mfhd", 0, 0, &[&words(&[number + 1])]), &traf])
    };
    let length = moof(0, 0).len() as u32;
    let moof = moof(length + 8, length - entries.len() as u32);
    [atom("styp", &[b"msdh", &[0; 4], b"msdhcmfs"]), moof, atom("mdat", &[&data])].concat()
}

/// A track in one file, with a segment index; the ranges of the index.
pub(crate) fn indexed() -> (Vec<u8>, usize, usize) {
    let segments: Vec<Vec<u8>> = (0..3).map(|number| segment(true, false, number)).collect();
    let references: Vec<u8> =
        segments.iter().flat_map(|segment| words(&[segment.len() as u32, 50_000, 0x9000_0000])).collect();
    let sidx = full("sidx", 0, 0, &[&words(&[1, 25_000, 0, 0, 3]), &references]);
    let init = init(true, false);
    let (start, end) = (init.len(), init.len() + sidx.len());
    ([init, sidx, segments.concat()].concat(), start, end)
}
