//! Document to model (DASH-IF CPIX 2.4, "XSD Schema Definition"). Names are known by namespace; what is not known is
//! passed over.

mod delivery;
mod lists;

use drm::KeyId;
use zeroize::Zeroizing;

use crate::error::{ParseError, Problem};
use crate::model::{Document, ListHead};
use crate::text;
use crate::xml::{self, CPIX, Element, Tree};

pub(crate) type Read<T> = Result<T, (usize, Problem)>;

const LISTS: [&str; 6] = [
    "DeliveryDataList",
    "ContentKeyList",
    "DRMSystemList",
    "ContentKeyPeriodList",
    "ContentKeyUsageRuleList",
    "UpdateHistoryItemList",
];

/// The most members a list may have.
const MAX_MEMBERS: usize = 20_000;

impl Document {
    /// Reads a document. Signatures are not looked at: see [`crate::signature::verify`].
    ///
    /// # Errors
    /// See [`ParseError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let tree = xml::parse(bytes)?;
        from_tree(&tree, bytes)
    }
}

/// Reads the model from a tree that was parsed from `bytes`.
pub(crate) fn from_tree(tree: &Tree, bytes: &[u8]) -> Result<Document, ParseError> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    document(&tree.root).map_err(|(at, problem)| xml::locate(text, at, problem))
}

fn document(root: &Element) -> Read<Document> {
    if !root.is(CPIX, "CPIX") {
        return Err((root.at, Problem::Root));
    }
    let mut document = Document {
        id: owned(root, "id"),
        content_id: owned(root, "contentId"),
        name: owned(root, "name"),
        version: owned(root, "version"),
        ..Document::default()
    };
    for name in LISTS {
        only(root, "CPIX", CPIX, name)?;
    }
    for list in root.elements().filter(|element| *element.namespace == *CPIX) {
        match list.local.as_str() {
            "DeliveryDataList" => {
                document.delivery_head = head(list)?;
                document.delivery = members(list, "DeliveryData", delivery::delivery_data)?;
            }
            "ContentKeyList" => {
                document.keys_head = head(list)?;
                document.keys = members(list, "ContentKey", lists::content_key)?;
            }
            "DRMSystemList" => {
                document.drm_systems_head = head(list)?;
                document.drm_systems = members(list, "DRMSystem", lists::drm_system)?;
            }
            "ContentKeyPeriodList" => {
                document.periods_head = head(list)?;
                document.periods = members(list, "ContentKeyPeriod", lists::period)?;
            }
            "ContentKeyUsageRuleList" => {
                document.usage_rules_head = head(list)?;
                document.usage_rules = members(list, "ContentKeyUsageRule", lists::usage_rule)?;
            }
            "UpdateHistoryItemList" => {
                document.history_id = owned(list, "id");
                document.history = members(list, "UpdateHistoryItem", lists::history_item)?;
            }
            _ => {}
        }
    }
    Ok(document)
}

fn head(list: &Element) -> Read<ListHead> {
    Ok(ListHead { id: owned(list, "id"), update_version: integer(list, "updateVersion")? })
}

fn members<T>(list: &Element, name: &'static str, read: impl Fn(&Element) -> Read<T>) -> Read<Vec<T>> {
    let mut all = Vec::new();
    for member in list.named(CPIX, name) {
        if all.len() == MAX_MEMBERS {
            return Err((member.at, Problem::TooMany { what: name, max: MAX_MEMBERS }));
        }
        all.push(read(member)?);
    }
    Ok(all)
}

/// An attribute as it is.
fn owned(element: &Element, name: &str) -> Option<String> {
    element.attribute(name).map(str::to_owned)
}

/// An attribute that must be there.
fn required<'a>(element: &'a Element, of: &'static str, name: &'static str) -> Read<&'a str> {
    element.attribute(name).ok_or((element.at, Problem::MissingAttribute { element: of, name }))
}

/// An attribute that is a whole number.
fn integer<T: std::str::FromStr>(element: &Element, name: &'static str) -> Read<Option<T>> {
    let parse = |text: &str| text.trim().parse().map_err(|_| value(element, name, "a whole number in range"));
    element.attribute(name).map(parse).transpose()
}

fn boolean(element: &Element, name: &'static str) -> Read<Option<bool>> {
    let parse = |t: &str| text::from_boolean(t).ok_or_else(|| value(element, name, "true or false"));
    element.attribute(name).map(parse).transpose()
}

fn uuid(element: &Element, what: &'static str, found: &str) -> Read<[u8; 16]> {
    text::from_uuid(found).ok_or_else(|| value(element, what, "a UUID with dashes"))
}

fn kid(element: &Element, of: &'static str) -> Read<KeyId> {
    Ok(KeyId(uuid(element, "kid", required(element, of, "kid")?)?))
}

/// The text of an element, from base64.
fn base64(element: &Element, what: &'static str) -> Read<Zeroizing<Vec<u8>>> {
    text::from_base64(&element.text()).ok_or_else(|| value(element, what, "base64"))
}

/// The text of an element, from base64 that holds UTF-8. A byte order mark, which is not allowed there, is dropped.
fn base64_text(element: &Element, what: &'static str) -> Read<String> {
    let bytes = base64(element, what)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| value(element, what, "UTF-8 in base64"))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned())
}

/// The one child element of that name, if any.
fn only<'a>(
    parent: &'a Element,
    of: &'static str,
    namespace: &'a str,
    name: &'static str,
) -> Read<Option<&'a Element>> {
    let mut found = parent.named(namespace, name);
    let first = found.next();
    match found.next() {
        Some(second) => Err((second.at, Problem::Repeated { element: of, name })),
        None => Ok(first),
    }
}

fn value(element: &Element, what: &'static str, expected: &'static str) -> (usize, Problem) {
    (element.at, Problem::Value { what, expected })
}
