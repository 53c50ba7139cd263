//! What an MPD is told of a key, from `ContentProtectionData` (DASH-IF CPIX 2.4, clause "`DRMSystem` Element").

use crate::c14n::{self, Canonical, Method};
use crate::error::{ParseError, Problem};
use crate::model::DrmSystem;
use crate::xml::{self, Element};

/// Prefixes that services use without declaring them, as an MPD declares them.
const KNOWN: &str = "xmlns:cenc=\"urn:mpeg:cenc:2013\" xmlns:mspr=\"urn:microsoft:playready\" \
                     xmlns:dashif=\"https://dashif.org/CPS\"";

impl DrmSystem {
    /// The elements of `ContentProtectionData`, each with the namespaces it uses, to go inside `ContentProtection` of an MPD.
    /// Where a service gives that element itself, those in it. `None` when nothing is said.
    ///
    /// # Errors
    /// They are not well-formed, or there is text beside them. Places are those in the data, behind its first line.
    pub fn content_protection_elements(&self) -> Result<Option<String>, ParseError> {
        let Some(data) = self.content_protection_data.as_deref().map(str::trim).filter(|data| !data.is_empty()) else {
            return Ok(None);
        };
        let data = match data.strip_prefix("<?xml ").and_then(|rest| rest.split_once("?>")) {
            Some((_, behind)) => behind,
            None => data,
        };
        let text = format!("<data {KNOWN}>\n{data}</data>");
        let tree = xml::parse(text.as_bytes())?;
        let mut within = &tree.root;
        let mut children = tree.root.elements();
        if let (Some(only), None) = (children.next(), children.next())
            && only.local == "ContentProtection"
        {
            within = only;
        }
        if !within.text().trim().is_empty() {
            return Err(xml::locate(&text, within.at, Problem::Malformed("text outside of elements")));
        }
        let how = Canonical { method: Method::Exclusive, prefixes: &[], without: None };
        let of = |element: &Element| c14n::element(&tree, element.at, &how).ok().flatten().unwrap_or_default();
        Ok(Some(within.elements().map(of).collect::<String>()).filter(|elements| !elements.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use drm::{KeyId, SystemId};
    use proptest::prelude::*;

    use super::*;

    fn elements(data: &str) -> Result<Option<String>, ParseError> {
        let mut system = DrmSystem::new(KeyId([1; 16]), SystemId::WIDEVINE);
        system.content_protection_data = Some(data.to_owned());
        system.content_protection_elements()
    }

    #[test]
    fn elements_bring_their_namespaces_along() {
        let pssh = "<cenc:pssh xmlns:cenc=\"urn:mpeg:cenc:2013\">AAAA</cenc:pssh>";
        let own = "<pssh xmlns=\"urn:mpeg:cenc:2013\">AAAA</pssh>";
        for (data, want) in [
            ("<cenc:pssh>AAAA</cenc:pssh>", pssh.to_owned()),
            ("<?xml version=\"1.0\"?>\n<pssh xmlns='urn:mpeg:cenc:2013'>AAAA</pssh><!-- ours -->", own.to_owned()),
            (
                "<ContentProtection xmlns='urn:mpeg:dash:schema:mpd:2011' schemeIdUri='x'> <cenc:pssh>AAAA</cenc:pssh>\
                 <a:b xmlns:a='urn:a' c='&lt;&amp;'/></ContentProtection>",
                format!("{pssh}<a:b xmlns:a=\"urn:a\" c=\"&lt;&amp;\"></a:b>"),
            ),
        ] {
            assert_eq!(elements(data), Ok(Some(want)), "{data}");
        }
        assert_eq!(elements(" "), Ok(None));
    }

    #[test]
    fn what_is_no_element_is_refused() {
        for data in ["AAAA", "<a>", "</data><data>", "<a/>b", "<x:a/>", "<!DOCTYPE a><a/>", "<a/></data><data><b/>"] {
            assert!(elements(data).is_err(), "{data}");
        }
    }

    proptest! {
        #[test]
        fn what_comes_out_goes_in_again(data in "[<>/a-c:x=' \"&;!?-]{0,40}", cut in 0usize..60) {
            let whole = "<cenc:pssh>AAAA</cenc:pssh><a b='1'>&amp;<c/></a>";
            for data in [data.as_str(), whole.get(..cut).unwrap_or(whole)] {
                if let Ok(Some(found)) = elements(data) {
                    prop_assert_eq!(elements(&found), Ok(Some(found.clone())));
                }
            }
        }
    }
}
