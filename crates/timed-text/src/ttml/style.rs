//! Styles as far as WebVTT can show them (TTML2 §10).

use std::collections::HashMap;

use super::names::{Attr, Tag};
use super::place::Lengths;
use super::tree::{Node, Tree};

/// Red, green, blue.
pub(super) type Rgb = [u8; 3];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Start,
    Left,
    Center,
    Right,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DisplayAlign {
    Before,
    Center,
    After,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vertical {
    No,
    RightToLeft,
    LeftToRight,
}

/// What an element or a style says; `None` is left as it was.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Specified {
    pub(super) color: Option<Rgb>,
    pub(super) background: Option<Option<Rgb>>,
    pub(super) italic: Option<bool>,
    pub(super) bold: Option<bool>,
    pub(super) underline: Option<bool>,
    pub(super) align: Option<Align>,
    pub(super) display_align: Option<DisplayAlign>,
    pub(super) vertical: Option<Vertical>,
    pub(super) visible: Option<bool>,
    pub(super) displayed: Option<bool>,
    /// Left and top edge in hundredths of a percent.
    pub(super) origin: Option<(u32, u32)>,
    /// Width and height in hundredths of a percent.
    pub(super) extent: Option<(u32, u32)>,
}

macro_rules! overlay {
    ($below:ident, $above:ident, $($field:ident)*) => { Specified { $($field: $above.$field.or($below.$field)),* } };
}

impl Specified {
    pub(super) fn over(self, below: Self) -> Self {
        overlay!(below, self, color background italic bold underline align display_align vertical visible displayed origin extent)
    }
}

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) color: Option<Rgb>,
    pub(super) background: Option<Rgb>,
    pub(super) italic: bool,
    pub(super) bold: bool,
    pub(super) underline: bool,
}

/// What is inherited by the content of an element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Computed {
    pub(super) look: Look,
    pub(super) align: Align,
    pub(super) visible: bool,
    pub(super) displayed: bool,
}

impl Computed {
    pub(super) const INITIAL: Computed = Computed {
        look: Look { color: None, background: None, italic: false, bold: false, underline: false },
        align: Align::Start,
        visible: true,
        displayed: true,
    };

    pub(super) fn with(mut self, own: Specified) -> Self {
        let look = &mut self.look;
        look.color = own.color.or(look.color);
        look.background = own.background.unwrap_or(look.background);
        look.italic = own.italic.unwrap_or(look.italic);
        look.bold = own.bold.unwrap_or(look.bold);
        look.underline = own.underline.unwrap_or(look.underline);
        self.align = own.align.unwrap_or(self.align);
        self.visible = own.visible.unwrap_or(self.visible);
        // What is not displayed hides all that it holds.
        self.displayed &= own.displayed.unwrap_or(true);
        self
    }
}

/// The named styles and regions of a document.
pub(super) struct Styles<'a> {
    tree: &'a Tree,
    lengths: Lengths,
    by_id: HashMap<&'a str, usize>,
    regions: HashMap<&'a str, usize>,
    resolved: HashMap<usize, Specified>,
}

impl<'a> Styles<'a> {
    pub(super) fn of(tree: &'a Tree) -> Self {
        let named = |tag| {
            let nodes = tree.nodes.iter().enumerate().filter(move |(_, node)| node.tag == tag);
            nodes.filter_map(|(index, node)| Some((node.get(Attr::Id)?, index))).collect()
        };
        let mut styles = Styles {
            tree,
            lengths: Lengths::of(tree.root()),
            by_id: named(Tag::Style),
            regions: named(Tag::Region),
            resolved: HashMap::new(),
        };
        let mut indices: Vec<usize> = styles.by_id.values().copied().collect();
        indices.sort_unstable();
        for index in indices {
            styles.resolve(index, 0);
        }
        styles
    }

    /// A style and those that it refers to. A chain that is too long or that closes a ring ends there.
    fn resolve(&mut self, index: usize, depth: usize) -> Specified {
        const CHAIN_LIMIT: usize = 32;
        if let Some(known) = self.resolved.get(&index) {
            return *known;
        }
        if depth == CHAIN_LIMIT {
            return Specified::default();
        }
        self.resolved.insert(index, Specified::default());
        let node = &self.tree.nodes[index];
        let mut sum = Specified::default();
        for id in node.get(Attr::Style).into_iter().flat_map(str::split_ascii_whitespace) {
            if let Some(&other) = self.by_id.get(id) {
                sum = self.resolve(other, depth + 1).over(sum);
            }
        }
        sum = inline(node, &self.lengths).over(sum);
        self.resolved.insert(index, sum);
        sum
    }

    pub(super) fn region(&self, id: &str) -> Option<usize> {
        self.regions.get(id).copied()
    }

    /// What the element at `index` says itself: by reference, by the styles it holds (as regions do), by attributes.
    pub(super) fn specified(&self, index: usize) -> Specified {
        let node = &self.tree.nodes[index];
        let mut sum = Specified::default();
        for id in node.get(Attr::Style).into_iter().flat_map(str::split_ascii_whitespace) {
            if let Some(other) = self.by_id.get(id).and_then(|index| self.resolved.get(index)) {
                sum = other.over(sum);
            }
        }
        if node.tag == Tag::Region {
            for child in node.elements().filter(|&child| self.tree.nodes[child].tag == Tag::Style) {
                sum = inline(&self.tree.nodes[child], &self.lengths).over(sum);
            }
        }
        inline(node, &self.lengths).over(sum)
    }
}

fn inline(node: &Node, lengths: &Lengths) -> Specified {
    let get = |name| node.get(name).map(str::trim);
    Specified {
        color: get(Attr::Color).and_then(color).map(|(rgb, _)| rgb),
        background: get(Attr::BackgroundColor).and_then(color).map(|(rgb, alpha)| (alpha > 0).then_some(rgb)),
        italic: get(Attr::FontStyle).map(|value| matches!(value, "italic" | "oblique")),
        bold: get(Attr::FontWeight).map(|value| value == "bold"),
        underline: get(Attr::TextDecoration).and_then(underline),
        align: get(Attr::TextAlign).and_then(align),
        display_align: get(Attr::DisplayAlign).and_then(|value| match value {
            "before" => Some(DisplayAlign::Before),
            "center" => Some(DisplayAlign::Center),
            "after" => Some(DisplayAlign::After),
            _ => None,
        }),
        vertical: get(Attr::WritingMode).map(|value| match value {
            "tbrl" | "tb" => Vertical::RightToLeft,
            "tblr" => Vertical::LeftToRight,
            _ => Vertical::No,
        }),
        visible: get(Attr::Visibility).map(|value| value != "hidden"),
        displayed: get(Attr::Display).map(|value| value != "none"),
        origin: get(Attr::Origin).and_then(|value| lengths.pair(value)),
        extent: get(Attr::Extent).and_then(|value| lengths.pair(value)),
    }
}

fn align(value: &str) -> Option<Align> {
    Some(match value {
        "start" | "justify" => Align::Start,
        "left" => Align::Left,
        "center" => Align::Center,
        "right" => Align::Right,
        "end" => Align::End,
        _ => return None,
    })
}

fn underline(value: &str) -> Option<bool> {
    value.split_ascii_whitespace().find_map(|word| match word {
        "underline" => Some(true),
        "noUnderline" | "none" => Some(false),
        _ => None,
    })
}

/// Colour and alpha (TTML2 §10.3.1).
fn color(text: &str) -> Option<(Rgb, u8)> {
    if let Some(hex) = text.strip_prefix('#') {
        if !matches!(hex.len(), 6 | 8) || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let value = u32::from_str_radix(hex, 16).ok()?;
        let [red, green, blue, alpha] = if hex.len() == 6 { value << 8 | 0xff } else { value }.to_be_bytes();
        return Some(([red, green, blue], alpha));
    }
    if let Some((name, rest)) = text.split_once('(') {
        let parts: Vec<u8> = rest.strip_suffix(')')?.split(',').filter_map(|part| part.trim().parse().ok()).collect();
        return match (name.trim(), &parts[..]) {
            ("rgb", &[red, green, blue]) => Some(([red, green, blue], 255)),
            ("rgba", &[red, green, blue, alpha]) => Some(([red, green, blue], alpha)),
            _ => None,
        };
    }
    let value: u32 = match text {
        "transparent" => return Some(([0; 3], 0)),
        "black" => 0x00_0000,
        "silver" => 0xc0_c0c0,
        "gray" => 0x80_8080,
        "white" => 0xff_ffff,
        "maroon" => 0x80_0000,
        "red" => 0xff_0000,
        "purple" => 0x80_0080,
        "fuchsia" | "magenta" => 0xff_00ff,
        "green" => 0x00_8000,
        "lime" => 0x00_ff00,
        "olive" => 0x80_8000,
        "yellow" => 0xff_ff00,
        "navy" => 0x00_0080,
        "blue" => 0x00_00ff,
        "teal" => 0x00_8080,
        "aqua" | "cyan" => 0x00_ffff,
        _ => return None,
    };
    let [_, red, green, blue] = value.to_be_bytes();
    Some(([red, green, blue], 255))
}

/// The class that WebVTT gives a colour (W3C WebVTT §5.1), if it has one.
pub(super) fn class(rgb: Rgb) -> Option<&'static str> {
    Some(match rgb {
        [255, 255, 255] => "white",
        [0, 255, 0] => "lime",
        [0, 255, 255] => "cyan",
        [255, 0, 0] => "red",
        [255, 255, 0] => "yellow",
        [255, 0, 255] => "magenta",
        [0, 0, 255] => "blue",
        [0, 0, 0] => "black",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_in_all_their_forms() {
        for (text, expected) in [
            ("#ff8000", Some(([255, 128, 0], 255))),
            ("#FF800080", Some(([255, 128, 0], 128))),
            ("rgb(1, 2,3)", Some(([1, 2, 3], 255))),
            ("rgba(1,2,3,0)", Some(([1, 2, 3], 0))),
            ("yellow", Some(([255, 255, 0], 255))),
            ("transparent", Some(([0, 0, 0], 0))),
            ("#ff80", None),
            ("#+f8000", None),
            ("rgb(1,2)", None),
            ("rgb(1,2,300)", None),
            ("mauve", None),
        ] {
            assert_eq!(color(text), expected, "{text}");
        }
    }
}
