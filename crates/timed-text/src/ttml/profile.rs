//! What a document conforms to.

use super::names::{Attr, Tag};
use super::tree::Tree;

/// A profile of TTML, by which players choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// IMSC 1 text, `im1t`.
    ImscText,
    /// IMSC 1 image, `im1i`.
    ImscImage,
    /// IMSC 1.1 and later, text: `im2t`.
    Imsc11Text,
    /// IMSC 1.1 and later, image: `im2i`.
    Imsc11Image,
    /// EBU-TT-D (EBU Tech 3380), `etd1`.
    EbuTtD,
    /// Another TTML document with text.
    Text,
    /// Another TTML document with pictures.
    Image,
}

impl Profile {
    /// Whether its subtitles are pictures.
    pub fn is_image(self) -> bool {
        matches!(self, Self::ImscImage | Self::Imsc11Image | Self::Image)
    }
}

/// Whether paragraphs are to be shown although subtitles are off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forced {
    /// None is.
    None,
    /// Some are.
    Some,
    /// All are: the track is one of forced narrative (HLS `FORCED=YES`).
    All,
}

pub(super) fn detect(tree: &Tree) -> Profile {
    let root = tree.root();
    let mut names: Vec<&str> = Vec::new();
    for name in [Attr::Profile, Attr::ContentProfiles] {
        names.extend(root.get(name).into_iter().flat_map(str::split_ascii_whitespace));
    }
    // `ttp:profile` elements stand at the start of the head.
    let declared = tree.nodes.iter().take_while(|node| node.tag != Tag::Body).filter(|node| node.tag == Tag::Profile);
    names.extend(declared.filter_map(|node| node.get(Attr::Use)));
    names.extend(tree.conforms_to.iter().map(String::as_str));
    let pictures = (0..tree.nodes.len()).any(|index| tree.nodes[index].tag == Tag::Div && tree.has_image(index));
    names.iter().find_map(|name| named(name)).unwrap_or(if pictures { Profile::Image } else { Profile::Text })
}

fn named(name: &str) -> Option<Profile> {
    let base = "http://www.w3.org/ns/ttml/profile/imsc1";
    if let Some(rest) = name.strip_prefix(base) {
        return Some(match rest {
            "/text" => Profile::ImscText,
            "/image" => Profile::ImscImage,
            ".1/text" | ".2/text" => Profile::Imsc11Text,
            ".1/image" | ".2/image" => Profile::Imsc11Image,
            _ => return None,
        });
    }
    let ebu = name.starts_with("urn:ebu:tt:distribution") || name.starts_with("urn:ebu:distribution");
    ebu.then_some(Profile::EbuTtD)
}

pub(super) fn forced(tree: &Tree) -> Forced {
    let (mut leaves, mut forced) = (0_usize, 0_usize);
    for index in (0..tree.nodes.len()).filter(|&index| tree.is_leaf(index)) {
        leaves += 1;
        forced += usize::from(is_forced(tree, index));
    }
    match forced {
        0 => Forced::None,
        count if count == leaves => Forced::All,
        _ => Forced::Some,
    }
}

/// `itts:forcedDisplay` of the element or of what it lies in (it is inherited), or of its whole text.
fn is_forced(tree: &Tree, leaf: usize) -> bool {
    let own = |index: usize| tree.nodes[index].get(Attr::ForcedDisplay).map(|value| value == "true");
    let chain = std::iter::successors(Some(leaf), |&index| tree.nodes[index].parent);
    chain.filter_map(own).next().unwrap_or_else(|| {
        let mut spans = tree.nodes[leaf].elements().filter(|&child| tree.nodes[child].tag == Tag::Span).peekable();
        spans.peek().is_some() && spans.all(|child| own(child) == Some(true))
    })
}
