//! Files built box by box: what is rare, odd or wrong.

use demux::{ChapterTitle, Data, MediaKind};
use media_types::CodecConfig;

use crate::driver::{Outcome, demux};
use crate::writer::*;

fn data(length: u32) -> Vec<u8> {
    (0..length).map(|at| at as u8).collect()
}

/// Demuxes a file of 60 bytes of data and these tracks.
fn read(tracks: &[Track]) -> Outcome {
    demux(&file(&data(60), &movie(tracks, &[])), true)
}

/// The reason why such a file is refused.
fn refused(tracks: &[Track]) -> String {
    read(tracks).error.unwrap().reason
}

/// What is said about such a file, which is read nevertheless.
fn warned(tracks: &[Track]) -> (Vec<(i64, i64, usize)>, String) {
    let out = read(tracks);
    assert_eq!(out.error, None);
    (out.times(0), out.warnings.into_iter().map(|warning| warning.what).collect::<Vec<_>>().join("; "))
}

#[test]
fn chunks_are_given_in_the_order_of_the_file() {
    let mut first = text(1, &[5, 5, 5, 5], DATA);
    (first.stsc, first.chunks) = (vec![1, 2, 1], vec![DATA, DATA + 30]);
    let mut second = text(2, &[10, 10], DATA + 10);
    (second.stsc, second.chunks) = (vec![1, 1, 1], vec![DATA + 10, DATA + 40]);
    let out = read(&[first.clone(), second]);
    let order: Vec<usize> = out.reads.iter().map(|read| read.packet.track).collect();
    assert_eq!(order, [0, 0, 1, 0, 0, 1]);
    assert_eq!(out.reads[2].bytes, data(60)[10..20]);

    // One track behind the other.
    let out = read(&[text(1, &[5, 5], DATA + 40), text(2, &[10, 10, 10], DATA)]);
    let order: Vec<usize> = out.reads.iter().map(|read| read.packet.track).collect();
    assert_eq!(order, [1, 1, 1, 0, 0]);
}

#[test]
fn every_form_of_a_sample_table_says_the_same() {
    let plain = read(&[text(1, &[3, 12, 7], DATA)]).times(0);
    assert_eq!(plain, [(0, 0, 3), (1000, 1000, 12), (2000, 2000, 7)]);
    let long = [words(&[1, 0, DATA])].concat();
    for table in [
        full(b"stz2", 0, 0, &[&words(&[4, 3])[..], &[0x3c, 0x70]].concat()),
        full(b"stz2", 0, 0, &[&words(&[8, 3])[..], &[3, 12, 7]].concat()),
        full(b"stz2", 0, 0, &[&words(&[16, 3])[..], &[0, 3, 0, 12, 0, 7]].concat()),
        full(b"co64", 0, 0, &long),
        table(b"stts", &[1, 1000, 0, 5, 2, 1000], 2),
        table(b"ctts", &[1, 0, 2, 0], 2),
        table(b"stsc", &[1, 3, 1, 2, 9, 1], 3),
    ] {
        let mut track = text(1, &[3, 12, 7], DATA);
        track.tables.push(table);
        assert_eq!(read(&[track]).times(0), plain);
    }
    let mut uniform = text(1, &[], DATA);
    (uniform.stts, uniform.stsc) = (vec![4, 1000], vec![1, 4, 1]);
    uniform.tables.push(full(b"stsz", 0, 0, &words(&[15, 4])));
    assert_eq!(read(&[uniform]).times(0).len(), 4);
}

#[test]
fn sync_samples_are_those_listed() {
    let mut track = text(1, &[5; 5], DATA);
    (track.handler, track.entries) = (*b"vide", vec![avc(b"avc1", 4, &[])]);
    let keyframes = |out: Outcome| out.reads.iter().map(|read| read.packet.keyframe).collect::<Vec<_>>();
    assert_eq!(keyframes(read(&[track.clone()])), [true; 5]);
    track.tables.push(table(b"stss", &[1, 4], 1));
    assert_eq!(keyframes(read(&[track])), [true, false, false, true, false]);
}

#[test]
fn edit_lists_delay_hide_and_end() {
    let mut track = text(1, &[5; 4], DATA);
    track.edits = Some(vec![300, u32::MAX, 0x1_0000, 1200, 500, 0x1_0000]);
    let out = read(&[track.clone()]);
    assert_eq!(out.times(0).iter().map(|time| time.1).collect::<Vec<_>>(), [0, 1000, 2000, 3000]);
    assert_eq!(out.tracks[0].end, Some(2500));
    // Media end at 3.5 s on the timeline; an edit that ends there hides nothing, nor does one that ends a tick short.
    for (length, end) in [(2100, None), (2099, None), (2098, Some(3997)), (2400, None)] {
        track.edits = Some(vec![300, u32::MAX, 0x1_0000, length, 500, 0x1_0000]);
        assert_eq!(read(&[track.clone()]).tracks[0].end, end, "{length}");
    }
    track.edits = Some(vec![300, 0, 0x1_0000, 300, 2500, 0x1_0000]);
    assert!(refused(&[track.clone()]).contains("edit 2 of the edit list does not continue"));
    track.edits = Some(vec![300, 0, 0x8000]);
    assert!(refused(&[track]).contains("0.5 times its speed"));
}

#[test]
fn samples_without_duration_are_moved_on_with_a_warning() {
    let mut track = text(1, &[5; 6], DATA);
    track.stts = vec![1, 0, 1, 0, 1, 1, 3, 1000];
    let (times, said) = warned(&[track.clone()]);
    assert_eq!(times.iter().map(|time| time.0).collect::<Vec<_>>(), [0, 1, 2, 3, 1001, 2001]);
    assert!(said.contains("decode times of track 1 do not grow here"), "{said}");
    let read = read(&[track.clone()]);
    let durations: Vec<_> = read.reads.iter().map(|read| read.packet.duration).collect();
    assert_eq!(durations, [None, None, Some(1), Some(1000), Some(1000), Some(1000)]);
    // A last sample without duration is moved by nothing.
    track.stts = vec![5, 1000, 1, 0];
    assert_eq!(warned(&[track]).1, "");
}

#[test]
fn tables_that_contradict_one_another_end_the_track_with_the_place() {
    let stbl_at =
        |said: &str, what: &str| assert!(said.contains(what) && said.contains("the track ends there"), "{said}");
    let mut track = text(1, &[5; 4], DATA);
    track.stsc = vec![1, 2, 1];
    let (times, said) = warned(&[track.clone()]);
    assert_eq!(times.len(), 2);
    stbl_at(&said, "4 samples are claimed, but the 1 chunks hold only 2");
    track.stsc = vec![2, 2, 1];
    stbl_at(&warned(&[track.clone()]).1, "the stsc box says nothing of chunk 1");
    track.stsc = vec![1, 4, 1];
    track.stts = vec![3, 1000];
    let (times, said) = warned(&[track.clone()]);
    assert_eq!(times.len(), 3);
    stbl_at(&said, "the decode time table ends at sample 3");
    track.stts = vec![4, 1000];
    track.sizes[2] = 10_000;
    let (times, said) = warned(&[track]);
    assert_eq!(times.len(), 2);
    stbl_at(&said, "track 1 goes on beyond the end of the file");
}

#[test]
fn claims_without_bytes_are_refused() {
    for (kind, what) in [
        (b"stts", "the stts box claims 1000000000 entries, but has bytes for 1"),
        (b"stsc", "the stsc box claims 1000000000 entries, but has bytes for 0"),
        (b"stco", "the stco box claims 1000000000 entries, but has bytes for 2"),
        (b"ctts", "the ctts box claims 1000000000 entries, but has bytes for 1"),
        (b"stss", "the stss box claims 1000000000 entries, but has bytes for 2"),
    ] {
        let mut track = text(1, &[5; 4], DATA);
        track.tables.push(full(kind, 0, 0, &words(&[1_000_000_000, 1, 1])));
        assert_eq!(refused(&[track]), what);
    }
    let mut track = text(1, &[5; 4], DATA);
    track.tables.push(full(b"stsz", 0, 0, &words(&[0, 1_000_000_000, 1, 1])));
    assert_eq!(refused(&[track.clone()]), "the stsz box claims 1000000000 samples, but has bytes for 2");
    // Samples that share their bytes are bounded by the file.
    track.tables = vec![full(b"stsz", 0, 0, &words(&[1, 1_000_000_000]))];
    (track.stts, track.stsc, track.chunks) = (vec![1_000_000_000, 1], vec![1, 30, 1], vec![DATA; 300]);
    assert!(refused(&[track.clone()]).contains("the samples of track 1 are more than the file has bytes for"));
    // And so are empty ones.
    track.tables = vec![full(b"stz2", 0, 0, &words(&[4, 8, 0])), table(b"stts", &[8, 1], 2)];
    let (times, said) = warned(&[track]);
    assert!(times.is_empty() && said.contains("empty samples of track 1 are left out"), "{said}");
}

#[test]
fn short_nal_unit_lengths_are_widened() {
    for width in [1u8, 2] {
        let mut nal = vec![0; usize::from(width)];
        nal[usize::from(width) - 1] = 3;
        nal.extend_from_slice(&[0x65, 8, 9]);
        let samples = [nal.clone(), [nal.clone(), nal.clone()].concat()];
        let mut track = text(1, &[samples[0].len() as u32, samples[1].len() as u32], DATA);
        (track.handler, track.entries) = (*b"vide", vec![avc(b"avc1", width, &[])]);
        let out = demux(&file(&samples.concat(), &movie(&[track], &[])), true);
        assert_eq!(out.error, None);
        let CodecConfig::Avc(record) = &out.tracks[0].config else { panic!() };
        assert_eq!(record[4], 0xff);
        assert!(matches!(out.reads[0].packet.data, Data::Here(_)));
        assert_eq!(out.reads[0].bytes, [0, 0, 0, 3, 0x65, 8, 9]);
        assert_eq!(out.reads[1].bytes, [0, 0, 0, 3, 0x65, 8, 9, 0, 0, 0, 3, 0x65, 8, 9]);
    }
    let mut track = text(1, &[5], DATA);
    (track.handler, track.entries) = (*b"vide", vec![avc(b"avc1", 2, &[])]);
    assert!(refused(&[track]).contains("a NAL unit reaches beyond the end of its sample"));
}

#[test]
fn quicktime_sound_entries_have_their_configuration_one_box_deeper() {
    let asc = [0x12, 0x10];
    let wave = atom(b"wave", &[atom(b"frma", b"mp4a"), esds(0x40, &asc), atom(&[0; 4], &[])].concat());
    for (version, stsd_version, boxes, heard) in [
        (0, 0, esds(0x40, &asc), Some(44_100)),
        (1, 0, wave.clone(), Some(44_100)),
        (2, 0, wave.clone(), Some(44_100)),
        // ISO's own version 1 has no fields of QuickTime's.
        (1, 1, esds(0x40, &asc)[..].to_vec(), Some(44_100)),
        (0, 0, esds(0x6b, &asc), None),
        (0, 0, esds(0x40, &[]), None),
    ] {
        let mut header = sound_header(version);
        if stsd_version == 1 {
            header.truncate(28);
        }
        let mut track = text(1, &[5], DATA);
        (track.handler, track.stsd_version) = (*b"soun", stsd_version);
        track.entries = vec![atom(b"mp4a", &[header, boxes].concat())];
        let out = read(&[track, text(2, &[5], DATA)]);
        assert_eq!(out.error, None);
        let found = match out.tracks[0].kind {
            MediaKind::Audio { sample_rate, channels: 2 } => Some(sample_rate),
            _ => None,
        };
        assert_eq!(found, heard, "version {version}: {:?}", out.warnings);
    }
}

#[test]
fn text_tracks_are_carried_or_passed_over() {
    let stpp = [&[0, 0, 0, 0, 0, 0, 0, 1][..], b"http://www.w3.org/ns/ttml\0\0\0", &atom(b"btrt", &[0; 12])].concat();
    let mut track = text(1, &[5], DATA);
    (track.handler, track.entries) = (*b"subt", vec![atom(b"stpp", &stpp)]);
    let out = read(&[track.clone(), text(2, &[5], DATA)]);
    assert_eq!(out.tracks[0].config, CodecConfig::Stpp(b"http://www.w3.org/ns/ttml\0\0\0".as_slice().into()));
    assert_eq!(out.tracks[1].config, CodecConfig::Wvtt(b"WEBVTT".as_slice().into()));
    track.entries = vec![atom(b"text", &[0; 40])];
    let out = read(&[track, text(2, &[5], DATA)]);
    assert_eq!(out.tracks.len(), 1);
    assert!(out.warnings[0].what.contains("track 1 is passed over: it is QuickTime text"));
}

/// A `tx3g` sample entry with these flags and this default face, at the bottom in the middle.
fn tx3g(flags: u32, face: u8) -> Vec<u8> {
    let head = [&[0, 0, 0, 0, 0, 0, 0, 1][..], &flags.to_be_bytes(), &[1, 0xff], &[0; 12]].concat();
    atom(b"tx3g", &[&head[..], &[0, 0, 0, 0, 0, 1, face, 18, 255, 255, 255, 255]].concat())
}

#[test]
fn timed_text_of_3gpp_becomes_webvtt_sample_by_sample() {
    let samples = [&b"\0\0"[..], b"\0\x05Hello", b"\0\x04a\nb&"];
    let sizes = samples.map(|sample| sample.len() as u32);
    let mut track = text(1, &sizes, DATA);
    (track.handler, track.entries) = (*b"sbtl", vec![tx3g(0, 0), tx3g(0, 2)]);
    // The last sample is in a chunk of its own, which has the second description.
    (track.chunks, track.stsc) = (vec![DATA, DATA + sizes[0] + sizes[1]], vec![1, 2, 1, 2, 1, 2]);
    let out = demux(&file(&samples.concat(), &movie(&[track.clone()], &[])), true);
    assert_eq!((out.error, out.warnings), (None, vec![]));
    assert_eq!(out.tracks[0].config, CodecConfig::Wvtt(b"WEBVTT".as_slice().into()));
    assert!(!out.tracks[0].roles.forced);
    let bytes: Vec<&[u8]> = out.reads.iter().map(|read| &read.bytes[..]).collect();
    let hello = b"\0\0\0\x15vttc\0\0\0\x0dpaylHello";
    let italic = b"\0\0\0\x26vttc\0\0\0\x1epayl<i>a</i>\n<i>b&amp;</i>";
    assert_eq!(bytes, [&b"\0\0\0\x08vtte"[..], hello, italic]);
    track.entries = vec![tx3g(0x8000_0000, 0)];
    track.stsc = vec![1, 2, 1];
    assert!(read(&[track.clone()]).tracks[0].roles.forced);
    track.entries = vec![atom(b"tx3g", &[0; 37])];
    assert!(refused(&[track]).contains("the tx3g box is too short"));
}

#[test]
fn what_tracks_say_of_themselves_is_told() {
    let kind = |scheme: &str, value: &str| full(b"kind", 0, 0, format!("{scheme}\0{value}\0").as_bytes());
    let dash = "urn:mpeg:dash:role:2011";
    let mut track = text(7, &[5], DATA);
    track.mdia = vec![full(b"elng", 0, 0, b"pt-BR\0")];
    let udta = [
        kind(dash, "caption"),
        kind(dash, "forced-subtitle"),
        kind("urn:other", "commentary"),
        atom(b"name", b"Legendas"),
    ];
    track.trak = vec![atom(b"udta", &[udta.concat(), vec![0; 4]].concat())];
    let mut turned = text(8, &[5], DATA);
    (turned.handler, turned.entries) = (*b"vide", vec![avc(b"avc1", 4, &atom(b"pasp", &words(&[32, 18])))]);
    (turned.matrix[0], turned.matrix[1], turned.matrix[3], turned.matrix[4]) = (0, 0x1_0000, -0x1_0000, 0);
    let out = read(&[track, turned]);
    let said = &out.tracks[0];
    assert_eq!((said.id, said.language.as_str(), said.label.as_deref()), (7, "pt-BR", Some("Legendas")));
    assert!(said.roles.hearing_impaired && said.roles.forced && said.roles.default && !said.roles.commentary);
    assert!(matches!(out.tracks[1].kind, MediaKind::Video { sample_aspect: (16, 9), .. }));
    assert!(out.warnings[0].what.contains("track 8 is to be shown turned or mirrored"));
}

#[test]
fn media_in_other_files_are_refused() {
    let mut track = text(1, &[5], DATA);
    track.dref_flags = 0;
    assert!(refused(&[track]).contains("track 1 keeps its media in another file"));
}

#[test]
fn a_change_of_the_sample_description_is_refused_where_it_matters() {
    let mut track = text(1, &[5, 5], DATA);
    let other = atom(b"wvtt", &[&[0, 0, 0, 0, 0, 0, 0, 1][..], &atom(b"vttC", b"WEBVTT - other")].concat());
    track.entries.push(other);
    assert_eq!(read(&[track.clone()]).error, None);
    (track.stsc, track.chunks) = (vec![1, 1, 1, 2, 1, 2], vec![DATA, DATA + 5]);
    assert!(refused(&[track.clone()]).contains("changes to sample description 2, which has another configuration"));
    track.entries[1] = wvtt();
    assert_eq!(read(&[track]).times(0).len(), 2);
}

#[test]
fn boxes_of_any_length_form_are_found() {
    let moov = movie(&[text(1, &[4], 44)], &[]);
    let long = [words(&[1]), b"mdat".to_vec(), words(&[0, 20]), data(4)].concat();
    let free = atom(b"free", &[0; 8]);
    let ftyp = atom(b"ftyp", b"iso6\0\0\0\0");
    let file = [ftyp.clone(), free, long, moov].concat();
    let out = demux(&file, true);
    assert_eq!((out.error, out.reads.len()), (None, 1));
    assert_eq!(out.reads[0].bytes, file[44..48]);

    // The last box reaches to the end.
    let moov = movie(&[text(1, &[4], 0)], &[]);
    let at = (ftyp.len() + moov.len() + 8) as u32;
    let file = [ftyp, movie(&[text(1, &[4], at)], &[]), words(&[0]), b"mdat".to_vec(), vec![7; 4]].concat();
    let out = demux(&file, true);
    assert_eq!((out.error, out.reads[0].bytes.as_slice()), (None, &[7; 4][..]));
}

#[test]
fn large_movie_boxes_come_in_pieces_and_media_are_not_read() {
    let mut track = text(1, &vec![1; 700_000], DATA);
    track.stts = (0..700_000).flat_map(|_| [1, 1000]).collect();
    let movie = movie(&[track], &[]);
    assert!(movie.len() > 8_000_000);
    let file = file(&data(700_000), &movie);
    let out = demux(&file, true);
    assert_eq!((out.error, out.reads.len()), (None, 700_000));
    assert!(out.bytes_asked < (movie.len() + 40_000) as u64);
    let big = [words(&[1]), b"moov".to_vec(), words(&[1, 0])].concat();
    let reason = demux(&[atom(b"ftyp", b"iso6\0\0\0\0"), big].concat(), false).error.unwrap().reason;
    assert!(reason.contains("larger than 256 MiB"), "{reason}");
}

/// A fragment of track 1: `tfhd` fields after the track's number, `tfdt`, and the `trun` box.
fn moof(tfhd_flags: u32, tfhd: &[u32], start: Option<u32>, trun: &[u8]) -> Vec<u8> {
    let tfhd = full(b"tfhd", 0, tfhd_flags, &[words(&[1]), words(tfhd)].concat());
    let tfdt = start.map(|start| full(b"tfdt", 0, 0, &words(&[start]))).unwrap_or_default();
    atom(b"moof", &[full(b"mfhd", 0, 0, &words(&[1])), atom(b"traf", &[&tfhd, &tfdt, trun].concat())].concat())
}

fn init(edits: Option<Vec<u32>>, mvex: &[u8]) -> Vec<u8> {
    let mut track = text(1, &[], 0);
    (track.stts, track.stsc, track.chunks, track.edits) = (vec![], vec![], vec![], edits);
    [atom(b"ftyp", b"iso6\0\0\0\0"), movie(&[track], mvex)].concat()
}

#[test]
fn fragments_take_what_they_do_not_say_from_the_track() {
    let init = init(None, &mvex(1, 500, 6, 0));
    let defaults = moof(0x2_0000, &[], Some(2000), &full(b"trun", 0, 1, &words(&[2, 92])));
    let own = moof(0x2_0000 | 8 | 0x10, &[700, 4], None, &full(b"trun", 0, 1, &words(&[2, 84])));
    let mdat = atom(b"mdat", &data(12));
    let file = [init.as_slice(), &defaults, &mdat, &own, &mdat, &atom(b"mfra", &[])].concat();
    assert_eq!((defaults.len(), own.len()), (84, 76));
    let out = demux(&file, true);
    assert_eq!(out.error, None);
    // Without tfdt, a fragment follows the one before it.
    assert_eq!(out.times(0), [(2000, 2000, 6), (2500, 2500, 6), (3000, 3000, 4), (3700, 3700, 4)]);
    assert_eq!(out.reads[1].bytes, data(12)[6..]);
}

#[test]
fn edit_lists_of_fragmented_movies_shift_and_do_not_end() {
    let fragment = moof(0x2_0000, &[], Some(500), &full(b"trun", 0, 1, &words(&[2, 92])));
    let mdat = atom(b"mdat", &data(12));
    let mehd = |duration| {
        atom(b"mvex", &[full(b"mehd", 0, 0, &words(&[duration])), mvex(1, 500, 6, 0)[8..].to_vec()].concat())
    };
    for (edits, mvex, end) in [
        (vec![0, 500, 0x1_0000], mvex(1, 500, 6, 0), None),
        (vec![600, 500, 0x1_0000], mvex(1, 500, 6, 0), None),
        (vec![600, 500, 0x1_0000], mehd(600), None),
        (vec![300, 500, 0x1_0000], mehd(600), Some(500)),
    ] {
        let out = demux(&[init(Some(edits), &mvex), fragment.clone(), mdat.clone()].concat(), true);
        assert_eq!(out.error, None);
        assert_eq!(out.times(0)[0].1, 0);
        assert_eq!(out.tracks[0].end, end);
    }
}

#[test]
fn fragments_that_go_back_in_time_are_refused_unless_by_rounding() {
    let fragment = |start| {
        [moof(0x2_0000, &[], Some(start), &full(b"trun", 0, 1, &words(&[2, 92]))), atom(b"mdat", &data(12))].concat()
    };
    let init = init(None, &mvex(1, 500, 6, 0));
    let out = demux(&[init.clone(), fragment(0), fragment(499), fragment(1499)].concat(), true);
    assert_eq!(out.error, None);
    assert_eq!(out.times(0).iter().map(|time| time.0).collect::<Vec<_>>(), [0, 500, 501, 999, 1499, 1999]);
    let out = demux(&[init.clone(), fragment(9000), fragment(0)].concat(), true);
    assert!(out.error.unwrap().reason.contains("decode times of track 1 go back by 9501 ticks"));
}

#[test]
fn fragments_without_a_movie_box_are_refused_with_the_cure() {
    let segment = moof(0x2_0000, &[], Some(0), &full(b"trun", 0, 1, &words(&[2, 84])));
    let reason = demux(&segment, true).error.unwrap().reason;
    assert!(reason.contains("put its initialisation segment in front"), "{reason}");
    let reason = demux(&atom(b"ftyp", b"iso6\0\0\0\0"), true).error.unwrap().reason;
    assert!(reason.contains("there is no movie box (moov): the recording was cut off"), "{reason}");
    for (bytes, what) in
        [(&b""[..], "the file is empty"), (b"\x1a\x45\xdf\xa3", "this is not an MP4"), (b"RIFF\0\0\0\0", "not an MP4")]
    {
        let reason = demux(bytes, true).error.unwrap().reason;
        assert!(reason.contains(what), "{reason}");
    }
}

#[test]
fn a_second_movie_box_and_fragments_of_strangers_are_passed_over() {
    let init = init(None, &mvex(1, 500, 6, 0));
    let stranger = full(b"tfhd", 0, 0x2_0000, &words(&[9]));
    let moof = atom(b"moof", &atom(b"traf", &[stranger, full(b"trun", 0, 0x201, &words(&[1, 0, 5]))].concat()));
    let out = demux(&[init.clone(), moof.clone(), init, moof].concat(), true);
    assert_eq!((out.error, out.reads.len()), (None, 0));
    let said: Vec<_> = out.warnings.iter().map(|warning| warning.what.as_str()).collect();
    assert_eq!(said.len(), 2);
    assert!(said[0].contains("fragments of track 9") && said[1].contains("a second movie box"), "{said:?}");
}

#[test]
fn a_chapter_track_is_read_and_is_no_track_of_its_own() {
    let mut video = text(1, &[4; 3], DATA);
    video.trak.push(atom(b"tref", &atom(b"chap", &words(&[7]))));
    // 60 bytes of data: two titles behind the video's samples, one of them in UTF-16, and one that lies elsewhere.
    let mut data = data(60);
    data[12..17].copy_from_slice(b"\0\x03One");
    data[17..25].copy_from_slice(b"\0\x06\xfe\xff\0\xc9\0!");
    data[40..45].copy_from_slice(b"\0\x03End");
    let mut names = text(7, &[5, 8, 5], DATA + 12);
    (names.stsc, names.chunks) = (vec![1, 2, 1, 2, 1, 1], vec![DATA + 12, DATA + 40]);
    (names.entries, names.language) = (vec![atom(b"text", &[0; 16])], 0x10b5);
    (names.stts, names.edits) = (vec![1, 1500, 1, 500, 1, 1000], Some(vec![300, u32::MAX, 0x1_0000, 0, 0, 0x1_0000]));
    let file = file(&data, &movie(&[video.clone(), names.clone()], &[]));
    let read = |file: &[u8], told: bool| {
        let out = demux(file, told);
        assert_eq!((out.error, out.tracks.len(), out.warnings.len()), (None, 1, 0));
        out.chapters
    };
    let chapters = read(&file, true);
    let told: Vec<_> =
        chapters.iter().map(|chapter| (chapter.start_ns, chapter.end_ns, chapter.titles.clone())).collect();
    let title = |text: &str| vec![ChapterTitle { language: "de".into(), text: text.into() }];
    let second = 1_000_000_000;
    assert_eq!(
        told,
        [
            (second / 2, Some(2 * second), title("One")),
            (2 * second, Some(5 * second / 2), title("É!")),
            (5 * second / 2, Some(7 * second / 2), title("End")),
        ]
    );
    assert_eq!(read(&file, false), chapters);
    // Samples that lie on one another are read as long as the file has bytes for them.
    names.stsc = vec![1, 1000, 1];
    names.tables.push(full(b"stsz", 0, 0, &words(&[50, 1000])));
    names.stts = vec![1000, 10];
    let hostile = self::file(&data, &movie(&[video, names], &[]));
    let out = demux(&hostile, true);
    assert!((1..=hostile.len() / 50).contains(&out.chapters.len()), "{}", out.chapters.len());
    assert!(out.bytes_asked <= 3 * hostile.len() as u64, "{} bytes of {}", out.bytes_asked, hostile.len());
}

#[test]
fn pictures_under_dolby_vision_are_carried_where_other_decoders_know_them() {
    let entry = |name: &[u8; 4], profile: u8, compatible: u8| {
        let dolby = atom(name, &[&[1, 0, profile << 1, 0x35, compatible << 4][..], &[0; 19]].concat());
        let mut track = text(3, &[5], DATA);
        (track.handler, track.entries) = (*b"vide", vec![avc(b"avc1", 4, &dolby)]);
        track
    };
    let out = read(&[entry(b"dvvC", 8, 1)]);
    assert_eq!(out.tracks.len(), 1);
    assert!(out.warnings[0].what.contains("track 3 is carried without Dolby Vision (profile 8)"), "{:?}", out.warnings);
    let error = read(&[entry(b"dvcC", 5, 0)]).error.unwrap();
    assert!(error.reason.contains("it is Dolby Vision profile 5"), "{error}");
    let mut short = entry(b"dvcC", 5, 0);
    short.entries = vec![avc(b"avc1", 4, &atom(b"dvcC", &[1, 0, 10, 0]))];
    assert!(read(&[short]).error.unwrap().reason.contains("the dvcC box is too short"));
}
