use bitstream::sei::{self, CaptionCarrier, CaptionChannels, CaptionPair};
use timed_text::captions::CaptionReader;

/// The first byte says what the rest is: an SEI NAL unit of H.264 (even) or H.265 (odd); or, from 128 on, caption data that
/// is put into one.
pub fn captions(data: &[u8]) {
    let Some((&kind, rest)) = data.split_first() else { return };
    let mut channels = CaptionChannels::new();
    let hevc = kind % 2 == 1;
    if kind < 128 {
        unit(rest, hevc, &mut channels);
    } else {
        // At most 31 entries of 3 bytes fit a message.
        for entries in rest.chunks(93) {
            unit(&wrapped(entries, hevc), hevc, &mut channels);
        }
        let pairs = rest.chunks_exact(3).map(|entry| CaptionPair {
            valid: entry[0] & 4 != 0,
            kind: entry[0] & 3,
            data: [entry[1], entry[2]],
        });
        pairs.clone().for_each(|pair| channels.pair(pair));
        let (mut reader, pairs) = (CaptionReader::default(), pairs.collect::<Vec<_>>());
        let mut shown = (0..).zip(pairs.chunks(20)).flat_map(|(at, pairs)| reader.picture(at * 700_000, pairs));
        assert!(shown.all(|said| !said.text.is_empty()));
        reader.finish();
    }
    for carrier in [CaptionCarrier::Avc(Some(4)), CaptionCarrier::Hevc(None), CaptionCarrier::Mpeg2] {
        carrier.pairs(data, kind % 4 == 0);
    }
    assert!(channels.line21().all(|number| (1..=4).contains(&number) && channels.has_line21(number)));
    assert!(channels.services().all(|number| (1..=63).contains(&number)));
}

fn unit(nal: &[u8], hevc: bool, channels: &mut CaptionChannels) {
    for message in sei::messages(nal, hevc) {
        assert!(message.payload.left() <= nal.len(), "a message is no longer than its unit");
        let _ = message.recovery_point();
        if let Some(data) = message.captions() {
            assert!(data.pairs().count() <= 31);
            channels.picture(&data);
        }
    }
}

/// An SEI NAL unit without emulation prevention, as careless encoders write it.
fn wrapped(entries: &[u8], hevc: bool) -> Vec<u8> {
    let count = entries.len() / 3;
    let mut nal = if hevc { vec![0x4e, 1] } else { vec![6] };
    nal.extend([4, (11 + 3 * count) as u8, 0xb5, 0, 0x31, b'G', b'A', b'9', b'4', 3, 0x40 | count as u8, 0xff]);
    nal.extend(&entries[..3 * count]);
    nal.extend([0xff, 0x80]);
    nal
}
