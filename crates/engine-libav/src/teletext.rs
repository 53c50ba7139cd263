//! Subtitles of teletext (ETSI EN 300 706): the pages that a stream announces, and what one of them shows.

use ff::codec;
use ffmpeg_next as ff;
use media_types::TeletextPage;
use pipeline::EngineError;

use crate::error::{engine, no_decoder};

const DECODER: &str = "libzvbi_teletextdec";
/// Pages that the decoder holds back at most.
pub(crate) const MOST_HELD: usize = 25;
/// `teletext_type` (ETSI EN 300 468 §6.2.43): subtitles, and those for people who cannot hear.
const SUBTITLES: [u8; 2] = [2, 5];

/// A page of subtitles, as the stream's descriptor has it.
pub(crate) struct Announced {
    pub(crate) page: TeletextPage,
    pub(crate) language: Option<String>,
    pub(crate) hearing_impaired: bool,
}

/// Whether there is a decoder.
pub(crate) fn is_readable() -> bool {
    ff::decoder::find_by_name(DECODER).is_some()
}

/// Has the C library load the character set that libzvbi converts through, and keep it: a confined process opens no file.
pub fn load_character_set() {
    // SAFETY: both names end with a zero byte. What is opened stays so for as long as the process runs.
    let _ = unsafe { libc::iconv_open(c"UTF-8".as_ptr(), c"ISO-8859-1".as_ptr()) };
}

/// The pages of subtitles that a stream announces, whose languages are in `stated`, one after another.
pub(crate) fn announced(stream: &ff::Stream<'_>, stated: Option<&str>) -> Vec<Announced> {
    let parameters = stream.parameters();
    // SAFETY: the parameters belong to a stream of an open context; the extradata are null or that long.
    let entries = unsafe {
        let raw = &*parameters.as_ptr();
        let length = usize::try_from(raw.extradata_size).unwrap_or(0);
        if raw.extradata.is_null() { &[][..] } else { std::slice::from_raw_parts(raw.extradata, length) }
    };
    let languages = stated.unwrap_or_default().split(',').map(Some).chain(std::iter::repeat(None));
    let mut pages: Vec<Announced> = Vec::new();
    // Of each entry libavformat keeps what stands behind the language: type and magazine, then the page's two digits.
    for (&[head, digits], language) in entries.as_chunks::<2>().0.iter().zip(languages) {
        let (kind, magazine) = (head >> 3, if head & 7 == 0 { 8 } else { head & 7 });
        let page = TeletextPage(u16::from(magazine) << 8 | u16::from(digits));
        if SUBTITLES.contains(&kind) && pages.iter().all(|known| known.page != page) {
            let language = language.filter(|language| *language != "und").map(str::to_owned);
            pages.push(Announced { page, language, hearing_impaired: kind == SUBTITLES[1] });
        }
    }
    pages
}

/// A decoder of one page.
pub(crate) fn open(context: codec::Context, page: TeletextPage) -> Result<ff::decoder::Subtitle, EngineError> {
    let missing = || EngineError::Engine { detail: "this build of FFmpeg does not read teletext".to_owned() };
    let found = ff::decoder::find_by_name(DECODER).ok_or_else(missing)?;
    let mut options = ff::Dictionary::new();
    options.set("txt_page", &page.to_string());
    options.set("txt_format", "text");
    let opened = context.decoder().open_as_with(found, options).map_err(engine("opening the decoder of teletext"))?;
    opened.subtitle().map_err(no_decoder("teletext"))
}

/// What a page shows: it is sent again and again while it stands.
#[derive(Default)]
pub(crate) struct Standing(Vec<String>);

impl Standing {
    /// Whether these events show something else than those before. They begin with a number of their own.
    pub(crate) fn is_news(&mut self, events: &[String]) -> bool {
        let text = |event: &String| event.split_once(',').map_or_else(String::new, |(_, rest)| rest.to_owned());
        let now: Vec<String> = events.iter().map(text).filter(|text| !text.is_empty()).collect();
        let news = self.0 != now;
        self.0 = now;
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_sent_again_is_no_news() {
        let mut standing = Standing::default();
        let said = |number: u32, text: &str| vec![format!("{number},0,Subtitle,,0,0,0,,{text}")];
        assert!(!standing.is_news(&[String::new()]), "nothing stands at first");
        assert!(standing.is_news(&said(0, "One")) && !standing.is_news(&said(1, "One")));
        assert!(standing.is_news(&said(2, "Two")));
        assert!(standing.is_news(&[String::new()]) && !standing.is_news(&[String::new()]));
        assert!(standing.is_news(&said(3, "Two")));
    }
}
