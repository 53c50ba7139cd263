//! A valid presentation in memory, with HLS and DASH, clear and protected.

use std::collections::BTreeMap;

use bytes::Bytes;
use drm::KeyId;
use lint::{Fetched, Linter, Options, Report, Step};

use crate::media;

pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// `data` in base64.
pub(crate) fn base64(data: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in data.chunks(3) {
        let word = chunk.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            out.push(if place <= chunk.len() { LETTERS[word >> (18 - 6 * place) & 63] as char } else { '=' });
        }
    }
    out
}

const MASTER: &str = r#"#EXTM3U
#EXT-X-VERSION:6
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="a.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="English",LANGUAGE="en",AUTOSELECT=YES,URI="s.m3u8"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="c",NAME="CC",LANGUAGE="en",INSTREAM-ID="CC1"
#EXT-X-STREAM-INF:BANDWIDTH=20000,AVERAGE-BANDWIDTH=9500,CODECS="avc1.64000c,mp4a.40.2",RESOLUTION=320x180,FRAME-RATE=2.500,VIDEO-RANGE=SDR,AUDIO="a",SUBTITLES="s",CLOSED-CAPTIONS="c"
v1.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=21000,AVERAGE-BANDWIDTH=9500,CODECS="avc1.64000c,mp4a.40.2",RESOLUTION=320x180,FRAME-RATE=2.500,AUDIO="a",SUBTITLES="s",CLOSED-CAPTIONS="c"
v2.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=12000,AVERAGE-BANDWIDTH=6200,CODECS="mp4a.40.2",AUDIO="a",SUBTITLES="s",CLOSED-CAPTIONS="c"
a.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9000,AVERAGE-BANDWIDTH=3000,CODECS="avc1.64000c",RESOLUTION=320x180,URI="i.m3u8"
"#;

fn playlist(name: &str, extension: &str, key: &str) -> String {
    let map = if extension == "vtt" { String::new() } else { format!("#EXT-X-MAP:URI=\"{name}/i.mp4\"\n") };
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:VOD\n{key}{map}"
    );
    for number in 0..3 {
        text.push_str(&format!("#EXTINF:2.000,\n{name}/{number}.{extension}\n"));
    }
    text + "#EXT-X-ENDLIST\n"
}

const MPD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" xmlns:cenc="urn:mpeg:cenc:2013" xmlns:mspr="urn:microsoft:playready" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" mediaPresentationDuration="PT6S" minBufferTime="PT2S">
  <Period id="p0" start="PT0S" duration="PT6S">
    <AdaptationSet id="1" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1" frameRate="5/2">
      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
      <Representation id="v1" bandwidth="9000" codecs="avc1.64000c" width="320" height="180">PROTECTION
        <SegmentTemplate timescale="25000" initialization="$RepresentationID$/i.mp4" media="$RepresentationID$/$Number%01d$.m4s" startNumber="0">
          <SegmentTimeline>
            <S t="0" d="50000"/>
            <S t="50000" d="50000" r="1"/>
          </SegmentTimeline>
        </SegmentTemplate>
      </Representation>
      <Representation id="v2" bandwidth="9000" codecs="avc1.64000c" width="320" height="180">PROTECTION
        <SegmentTemplate timescale="25000" duration="50000" initialization="v2/i.mp4" media="v2/$Number$.m4s" startNumber="0"/>
      </Representation>
    </AdaptationSet>
    <AdaptationSet id="2" contentType="audio" mimeType="audio/mp4" lang="en">
      <Representation id="a" bandwidth="9000" codecs="mp4a.40.2" audioSamplingRate="48000">
        <AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2"/>PROTECTION
        <SegmentList timescale="48000" duration="96000">
          <Initialization sourceURL="a/i.mp4"/>
          <SegmentURL media="a/0.m4s"/>
          <SegmentURL media="a/1.m4s"/>
          <SegmentURL media="a/2.m4s"/>
        </SegmentList>
      </Representation>
    </AdaptationSet>
    <AdaptationSet id="3" contentType="video" mimeType="video/mp4">
      <EssentialProperty schemeIdUri="http://dashif.org/guidelines/trickmode" value="1"/>
      <Representation id="x" bandwidth="9000" codecs="avc1.64000c" width="320" height="180">
        <BaseURL>x.mp4</BaseURL>
        <SegmentBase indexRange="INDEX">
          <Initialization range="INIT"/>
        </SegmentBase>
      </Representation>
    </AdaptationSet>
  </Period>
</MPD>
"#;

/// A PlayReady object with one short record.
pub(crate) const PLAYREADY: [u8; 14] = [14, 0, 0, 0, 1, 0, 1, 0, 4, 0, b'<', 0, b'/', 0];

pub(crate) fn files(protected: bool) -> Files {
    let mut files = Files::new();
    let pssh = base64(&media::pssh());
    let key = format!(
        "#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"data:text/plain;base64,{pssh}\",KEYFORMAT=\"urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed\",KEYFORMATVERSIONS=\"1\"\n"
    );
    let key = if protected { key.as_str() } else { "" };
    for (name, video) in [("v1", true), ("v2", true), ("a", false)] {
        files.insert(format!("{name}/i.mp4"), media::init(video, protected));
        for number in 0..3 {
            files.insert(format!("{name}/{number}.m4s"), media::segment(video, protected, number));
        }
        files.insert(format!("{name}.m3u8"), playlist(name, "m4s", key).into_bytes());
    }
    for number in 0..3 {
        let text = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n00:00.000 --> 00:01.000\nhello\n";
        files.insert(format!("s/{number}.vtt"), text.into());
    }
    files.insert("s.m3u8".to_owned(), playlist("s", "vtt", "").into_bytes());
    let mut iframes = playlist("v1", "m4s", key).replace("#EXT-X-PLAYLIST", "#EXT-X-I-FRAMES-ONLY\n#EXT-X-PLAYLIST");
    let whole = files["v1/0.m4s"].len();
    iframes = iframes.replace("2.000,\n", &format!("2.000,\n#EXT-X-BYTERANGE:{}@24\n", whole - 24 - 4 * 105));
    files.insert("i.m3u8".to_owned(), iframes.into_bytes());
    let session = if protected { key.replace("EXT-X-KEY", "EXT-X-SESSION-KEY") } else { String::new() };
    files.insert("m.m3u8".to_owned(), (MASTER.to_owned() + &session).into_bytes());
    let (indexed, start, end) = media::indexed();
    files.insert("x.mp4".to_owned(), indexed);
    let id = "30313233-3435-3637-3839-616263646566";
    let protection = format!(
        "\n<ContentProtection schemeIdUri=\"urn:mpeg:dash:mp4protection:2011\" value=\"cenc\" cenc:default_KID=\"{id}\"/>\n\
         <ContentProtection schemeIdUri=\"urn:uuid:EDEF8BA9-79D6-4ACE-A3C8-27DCD51D21ED\"><cenc:pssh>{pssh}</cenc:pssh></ContentProtection>\n\
         <ContentProtection schemeIdUri=\"urn:uuid:9a04f079-9840-4286-ab92-e65be0885f95\"><mspr:pro>{}</mspr:pro></ContentProtection>",
        base64(&PLAYREADY)
    );
    let mpd = MPD
        .replace("PROTECTION", if protected { &protection } else { "" })
        .replace("INDEX", &format!("{start}-{}", end - 1))
        .replace("INIT", &format!("0-{}", start - 1));
    files.insert("m.mpd".to_owned(), mpd.into_bytes());
    files
}

pub(crate) fn options() -> Options {
    Options { keys: vec![(KeyId(media::KEY_ID), drm::ContentKey::new(media::KEY))], ..Options::default() }
}

/// Lints from a root, with files as a server would give them.
pub(crate) fn lint(files: &Files, root: &str, options: Options, kind: Option<&str>) -> Report {
    let mut linter = Linter::new(root, options);
    while let Step::Fetch { uri, range } = linter.poll() {
        let Some(bytes) = files.get(&uri) else {
            linter.give(Err("404 Not Found".to_owned()));
            continue;
        };
        let bytes = match range {
            Some((start, length)) => {
                let start = bytes.len().min(start as usize);
                &bytes[start..bytes.len().min(start.saturating_add(length as usize))]
            }
            None => bytes,
        };
        let content_type = kind.map(str::to_owned);
        linter.give(Ok(Fetched { bytes: Bytes::copy_from_slice(bytes), content_type, final_uri: uri }));
    }
    linter.report()
}
