//! The examples of SCTE 35 §14, and what holds for all messages.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use scte35::{
    BreakDuration, Command, ComponentOffset, ComponentSplice, DeliveryRestrictions, Descriptor, Error, Section,
    Segment, SegmentationDescriptor, Splice, SpliceInsert, SpliceTarget, SubSegment, Upid, crc32,
};

/// §14.1: a time signal with the start of a provider placement opportunity.
const OPPORTUNITY: &str = "/DA0AAAAAAAA///wBQb+cr0AUAAeAhxDVUVJSAAAjn/PAAGlmbAICAAAAAAsoKGKNAIAmsnRfg==";
/// §14.2: a splice insert.
const INSERT: &str = "/DAvAAAAAAAA///wFAVIAACPf+/+c2nALv4AUsz1AAAAAAAKAAhDVUVJAAABNWLbowo=";
/// §14.3: the end of the placement opportunity.
const OPPORTUNITY_END: &str = "/DAvAAAAAAAA///wBQb+dGKQoAAZAhdDVUVJSAAAjn+fCAgAAAAALKChijUCAKnMZ1g=";
/// §14.4: one program ends and the next begins.
const PROGRAMS: &str =
    "/DBIAAAAAAAA///wBQb+ek2ItgAyAhdDVUVJSAAAGH+fCAgAAAAALMvDRBEAAAIXQ1VFSUgAABl/nwgIAAAAACyk26AQAACZcuND";
/// §14.5: the start of a program overlap.
const OVERLAP: &str = "/DAvAAAAAAAA///wBQb+rr//ZAAZAhdDVUVJSAAACH+fCAgAAAAALKVs9RcAAJUdsKg=";

#[test]
fn the_examples_of_the_standard_come_back_byte_by_byte() {
    for text in [OPPORTUNITY, INSERT, OPPORTUNITY_END, PROGRAMS, OVERLAP] {
        let section = Section::from_base64(text).unwrap();
        assert_eq!(section.to_base64().unwrap(), text);
        let hex = section.to_hex().unwrap();
        assert_eq!(Section::from_hex(&hex).unwrap(), section);
        assert_eq!(Section::from_hex(&hex[2..].to_uppercase()).unwrap(), section);
    }
}

#[test]
fn a_placement_opportunity_is_a_break() {
    let start = Section::from_base64(OPPORTUNITY).unwrap();
    assert_eq!(
        (start.is_out(), start.is_in(), start.time(), start.duration()),
        (true, false, Some(0x72bd_0050), Some(0x01a5_99b0))
    );
    let segment = start.segments().next().unwrap();
    assert_eq!(
        (segment.type_name(), segment.upid.text()),
        ("provider placement opportunity start", "748724618".to_owned())
    );
    assert_eq!((segment.number, segment.expected, segment.upid.kind_name()), (2, 0, "TI"));
    assert_eq!(segment.restrictions.unwrap().devices, 3);
    let end = Section::from_base64(OPPORTUNITY_END).unwrap();
    assert_eq!((end.is_out(), end.is_in(), end.duration()), (false, true, None));
}

#[test]
fn a_splice_insert_has_its_time_and_length() {
    let section = Section::from_base64(INSERT).unwrap();
    assert_eq!((section.is_out(), section.is_in()), (true, false));
    assert_eq!((section.time(), section.duration()), (Some(0x7369_c02e), Some(0x0052_ccf5)));
    let Command::Insert(insert) = &section.command else { panic!("{section:?}") };
    assert_eq!(insert.event_id, 0x4800_008f);
    assert!(insert.event.as_ref().unwrap().duration.unwrap().auto_return);
    assert_eq!(section.descriptors, [Descriptor::Avail(0x0000_0135)]);
}

#[test]
fn programs_and_overlaps_are_no_breaks() {
    for (text, names) in [(PROGRAMS, &["program end", "program start"][..]), (OVERLAP, &["program overlap start"])] {
        let section = Section::from_base64(text).unwrap();
        assert_eq!((section.is_out(), section.is_in(), section.duration()), (false, false, None));
        assert_eq!(section.segments().map(Segment::type_name).collect::<Vec<_>>(), names);
    }
}

#[test]
fn the_adjustment_moves_the_time_over_the_wrap() {
    let mut section = Section::new(Command::TimeSignal(Some((1 << 33) - 10)), Vec::new());
    section.pts_adjustment = 30;
    assert_eq!(section.time(), Some(20));
    assert_eq!(Section::parse(&section.to_bytes().unwrap()).unwrap().time(), Some(20));
}

#[test]
fn what_cannot_be_read_is_refused_with_its_reason() {
    let good = Section::from_base64(INSERT).unwrap().to_bytes().unwrap();
    let changed = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        bytes.truncate(bytes.len() - 4);
        let crc = crc32(&bytes);
        bytes.extend(crc.to_be_bytes());
        Section::parse(&bytes)
    };
    assert_eq!(changed(0, 0xfd), Err(Error::OtherTable(0xfd)));
    assert_eq!(changed(3, 1), Err(Error::Version(1)));
    assert_eq!(changed(4, 0x84), Err(Error::Encrypted(2)));
    assert_eq!(changed(13, 9), Err(Error::Command(9)));
    assert!(matches!(Section::parse(&good[..good.len() - 1]), Err(Error::Short(_))));
    let mut flipped = good.clone();
    flipped[20] ^= 1;
    assert!(matches!(Section::parse(&flipped), Err(Error::Damaged { .. })));
    assert_eq!(Section::from_base64("@"), Err(Error::Text("base64")));
    assert_eq!(Section::from_hex("0xabc"), Err(Error::Text("hexadecimal")));
}

#[test]
fn values_that_do_not_fit_are_refused() {
    let section = Section::new(Command::TimeSignal(Some(1 << 33)), Vec::new());
    assert_eq!(section.to_bytes(), Err(Error::Range("pts_time")));
    let long = Descriptor::Other { tag: 9, identifier: 1, bytes: vec![0; 252] };
    assert_eq!(Section::new(Command::Null, vec![long.clone()]).to_bytes(), Err(Error::Range("descriptor_length")));
    let fitting = Descriptor::Other { tag: 9, identifier: 1, bytes: vec![0; 251] };
    assert_eq!(Section::new(Command::Null, vec![fitting; 16]).to_bytes(), Err(Error::Range("section_length")));
}

#[test]
fn an_unstated_command_length_is_read_and_kept() {
    let mut section = Section::from_base64(OPPORTUNITY).unwrap();
    section.has_legacy_length = true;
    assert_eq!(Section::parse(&section.to_bytes().unwrap()).unwrap(), section);
}

fn time() -> impl Strategy<Value = Option<u64>> {
    prop::option::of(0u64..1 << 33)
}

fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..most)
}

fn target() -> impl Strategy<Value = SpliceTarget> {
    let component = (any::<u8>(), time()).prop_map(|(tag, time)| ComponentSplice { tag, time });
    prop_oneof![
        time().prop_map(SpliceTarget::Program),
        Just(SpliceTarget::ProgramNow),
        prop::collection::vec(component, 0..5).prop_map(SpliceTarget::Components),
        bytes(5).prop_map(SpliceTarget::ComponentsNow),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    let length = prop::option::of(
        (any::<bool>(), 0u64..1 << 33).prop_map(|(auto_return, ticks)| BreakDuration { auto_return, ticks }),
    );
    let event = (any::<bool>(), any::<bool>(), target(), length, any::<(u16, u8, u8)>()).prop_map(
        |(out_of_network, event_id_compliance, target, duration, (unique_program_id, avail_num, avails_expected))| {
            Splice {
                out_of_network,
                event_id_compliance,
                target,
                duration,
                unique_program_id,
                avail_num,
                avails_expected,
            }
        },
    );
    prop_oneof![
        Just(Command::Null),
        Just(Command::BandwidthReservation),
        bytes(30).prop_map(Command::Schedule),
        time().prop_map(Command::TimeSignal),
        (any::<u32>(), bytes(30)).prop_map(|(identifier, bytes)| Command::Private { identifier, bytes }),
        (any::<u32>(), prop::option::of(event))
            .prop_map(|(event_id, event)| Command::Insert(SpliceInsert { event_id, event })),
    ]
}

fn segment() -> impl Strategy<Value = Segment> {
    let offset = (any::<u8>(), 0u64..1 << 33).prop_map(|(tag, pts_offset)| ComponentOffset { tag, pts_offset });
    let restrictions =
        (any::<(bool, bool, bool)>(), 0u8..4).prop_map(|((web, blackout, archive), devices)| DeliveryRestrictions {
            web_delivery_allowed: web,
            no_regional_blackout: blackout,
            archive_allowed: archive,
            devices,
        });
    (
        prop::option::of(prop::collection::vec(offset, 0..4)),
        prop::option::of(restrictions),
        prop::option::of(0u64..1 << 40),
        (any::<u8>(), bytes(20)),
        any::<(u8, u8, u8)>(),
        prop::option::of(any::<(u8, u8)>()),
    )
        .prop_map(|(components, restrictions, duration, (kind, bytes), (type_id, number, expected), sub)| {
            Segment {
                components,
                restrictions,
                duration,
                upid: Upid { kind, bytes },
                type_id,
                number,
                expected,
                sub: sub.map(|(number, expected)| SubSegment { number, expected }),
            }
        })
}

fn descriptor() -> impl Strategy<Value = Descriptor> {
    prop_oneof![
        any::<u32>().prop_map(Descriptor::Avail),
        (any::<u8>(), bytes(8)).prop_map(|(preroll, tones)| Descriptor::Dtmf { preroll, tones }),
        (0u64..1 << 48, any::<(u32, u16)>()).prop_map(|(tai_seconds, (tai_nanoseconds, utc_offset))| {
            Descriptor::Time { tai_seconds, tai_nanoseconds, utc_offset }
        }),
        (5u8.., any::<u32>(), bytes(20)).prop_map(|(tag, identifier, bytes)| Descriptor::Other {
            tag,
            identifier,
            bytes
        }),
        (any::<u32>(), any::<bool>(), prop::option::of(segment())).prop_map(
            |(event_id, event_id_compliance, segment)| {
                Descriptor::Segmentation(SegmentationDescriptor { event_id, event_id_compliance, segment })
            }
        ),
    ]
}

fn section() -> impl Strategy<Value = Section> {
    (command(), prop::collection::vec(descriptor(), 0..5), 0u8..4, 0u64..1 << 33, any::<u8>(), 0u16..4096, bytes(4))
        .prop_map(|(command, descriptors, sap_type, pts_adjustment, cw_index, tier, stuffing)| Section {
            sap_type,
            pts_adjustment,
            cw_index,
            tier,
            stuffing,
            ..Section::new(command, descriptors)
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(section in section()) {
        let bytes = section.to_bytes().unwrap();
        let read = Section::parse(&bytes).unwrap();
        prop_assert_eq!(read.to_bytes().unwrap(), bytes);
        prop_assert_eq!(read, section);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in bytes(200)) {
        let _ = Section::parse(&bytes);
    }

    #[test]
    fn no_change_of_a_message_makes_it_panic(section in section(), changes in prop::collection::vec(any::<(u16, u8)>(), 1..6)) {
        let mut bytes = section.to_bytes().unwrap();
        bytes.truncate(bytes.len() - 4);
        for (at, value) in changes {
            let at = usize::from(at) % bytes.len();
            bytes[at] = value;
        }
        let crc = crc32(&bytes);
        bytes.extend(crc.to_be_bytes());
        if let Ok(read) = Section::parse(&bytes) {
            let written = read.to_bytes().unwrap();
            prop_assert_eq!(Section::parse(&written).unwrap(), read);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,40}") {
        let _ = (Section::from_hex(&text), Section::from_base64(&text));
    }
}
