//! Every unit of the platform, whether a build has it or not: its name, its module and the port that it answers at alone.
//!
//! What a build has of it is said by one [`Unit`](crate::Unit) each.

/// A unit of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its one word, by which it is named on the command line.
    pub slug: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// The group of units about one thing that it belongs to.
    pub module: &'static str,
    /// Where it is served when it is served alone.
    pub port: u16,
    /// The unit that it is a part of, and that is served in its place; `None` of one in its own right.
    pub within: Option<&'static str>,
}

/// The entry of this slug.
pub fn find(slug: &str) -> Option<&'static Entry> {
    MANIFEST.iter().find(|entry| entry.slug == slug)
}

const fn unit(port: u16, slug: &'static str, module: &'static str, name: &'static str) -> Entry {
    Entry { slug, name, module, port, within: None }
}

const fn part(port: u16, slug: &'static str, module: &'static str, name: &'static str, of: &'static str) -> Entry {
    Entry { slug, name, module, port, within: Some(of) }
}

/// All of them, by port; what is a part of another unit stands behind that.
pub static MANIFEST: &[Entry] = &[
    unit(3000, "gateway", "edge", "API Gateway"),
    part(3000, "web", "edge", "OTT Web App", "gateway"),
    part(3000, "mobile", "edge", "OTT iOS and Android Apps", "gateway"),
    unit(3001, "user", "identity", "User"),
    unit(3002, "auth", "identity", "Auth"),
    unit(3003, "course", "catalog", "Course"),
    unit(3004, "enrollment", "learning", "Enrollment"),
    unit(3005, "payment", "commerce", "Payment"),
    part(3005, "ott-payment", "commerce", "OTT Payment", "payment"),
    unit(3006, "media", "media", "Media"),
    unit(3007, "notify", "comms", "Notification"),
    part(3007, "ott-notify", "comms", "OTT Notification", "notify"),
    unit(3008, "content", "catalog", "Content"),
    unit(3009, "assessment", "assess", "Assessment"),
    unit(3010, "review", "community", "Review & Rating"),
    unit(3011, "certificate", "credential", "Certificate"),
    unit(3012, "gamification", "credential", "Gamification"),
    unit(3013, "rbac", "identity", "RBAC"),
    unit(3014, "org", "identity", "Organization"),
    unit(3015, "processing", "media", "Video Processing"),
    part(3015, "ott-transcoding", "media", "OTT Transcoding", "processing"),
    unit(3016, "streaming", "media", "Video Streaming"),
    part(3016, "ott-streaming", "media", "OTT Streaming", "streaming"),
    unit(3017, "live", "live", "Live Streaming"),
    unit(3018, "progress", "learning", "Progress"),
    unit(3019, "assignment", "assess", "Assignment Submission"),
    unit(3020, "chat", "community", "Chat"),
    unit(3021, "forum", "community", "Forum"),
    unit(3022, "support", "care", "Support Ticket"),
    unit(3023, "moderation", "care", "Trust & Safety / Moderation"),
    unit(3024, "billing", "commerce", "Billing"),
    unit(3025, "cart", "commerce", "Shopping Cart"),
    unit(3026, "coupon", "commerce", "Coupon & Promotion"),
    unit(3027, "webhook", "ops", "Webhook"),
    unit(3028, "analytics", "insight", "Analytics"),
    part(3028, "ott-analytics", "insight", "OTT Analytics", "analytics"),
    unit(3029, "reporting", "insight", "Reporting"),
    unit(3030, "search", "insight", "Search"),
    unit(3031, "recommend", "insight", "Recommendation"),
    part(3031, "ott-recommend", "insight", "OTT Recommendation", "recommend"),
    unit(3032, "ai", "insight", "AI Platform"),
    unit(3033, "audit", "ops", "Audit Log"),
    unit(3034, "codeexec", "assess", "Code Execution"),
    unit(3035, "documents", "catalog", "Document Management"),
    unit(3036, "flags", "ops", "Feature Flag/Config"),
    unit(3037, "admin", "ops", "Admin"),
    unit(3038, "email", "comms", "Email"),
    unit(3039, "calendar", "live", "Calendar/Scheduling"),
    unit(3040, "integration", "ops", "Integration"),
    unit(3041, "survey", "assess", "Survey/Feedback"),
    unit(3042, "subscription", "commerce", "Subscription Management"),
    unit(3043, "exchange", "ops", "Export/Import"),
    unit(3044, "i18n", "catalog", "Translation/i18n"),
    unit(3045, "marketing", "comms", "Marketing Automation"),
    unit(3046, "affiliate", "commerce", "Affiliate/Referral"),
    unit(3047, "waitlist", "learning", "Waitlist"),
    unit(3048, "ads", "ads", "OTT Ads"),
    unit(3049, "realtime", "edge", "OTT WebSocket"),
    unit(3050, "cdn", "media", "OTT CDN"),
];

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// The catalogue's own index: what was promised, as it was promised.
    const INDEX: &str = "3000 gateway · 3001 user · 3002 auth · 3003 course · 3004 enrollment · 3005 payment · 3006 media · \
        3007 notify · 3008 content · 3009 assessment · 3010 review · 3011 certificate · 3012 gamification · 3013 rbac · \
        3014 org · 3015 processing · 3016 streaming · 3017 live · 3018 progress · 3019 assignment · 3020 chat · 3021 forum · \
        3022 support · 3023 moderation · 3024 billing · 3025 cart · 3026 coupon · 3027 webhook · 3028 analytics · \
        3029 reporting · 3030 search · 3031 recommend · 3032 ai · 3033 audit · 3034 codeexec · 3035 documents · 3036 flags · \
        3037 admin · 3038 email · 3039 calendar · 3040 integration · 3041 survey · 3042 subscription · 3043 exchange · \
        3044 i18n · 3045 marketing · 3046 affiliate · 3047 waitlist · 3048 ads · 3049 realtime · 3050 cdn";
    /// Units of each module.
    const MODULES: [(&str, usize); 15] = [
        ("ads", 1),
        ("assess", 4),
        ("care", 2),
        ("catalog", 4),
        ("comms", 3),
        ("commerce", 6),
        ("community", 3),
        ("credential", 2),
        ("edge", 2),
        ("identity", 4),
        ("insight", 5),
        ("learning", 3),
        ("live", 2),
        ("media", 4),
        ("ops", 6),
    ];

    fn own() -> impl Iterator<Item = &'static Entry> {
        MANIFEST.iter().filter(|entry| entry.within.is_none())
    }

    #[test]
    fn every_unit_of_the_catalogue_has_its_slug_at_its_port() {
        let promised: Vec<(u16, &str)> = INDEX
            .split(" · ")
            .filter_map(|one| one.split_once(' '))
            .filter_map(|(port, slug)| Some((port.parse().ok()?, slug)))
            .collect();
        assert_eq!(own().map(|entry| (entry.port, entry.slug)).collect::<Vec<_>>(), promised);
        let ports: Vec<u16> = own().map(|entry| entry.port).collect();
        assert_eq!(ports[..48], (3000..=3047).collect::<Vec<_>>(), "the seed range, without a gap");
        assert_eq!(ports[48..], [3048, 3049, 3050]);
    }

    #[test]
    fn no_slug_repeats_and_each_is_one_word() {
        let slugs: BTreeSet<&str> = MANIFEST.iter().map(|entry| entry.slug).collect();
        assert_eq!(slugs.len(), MANIFEST.len());
        for slug in slugs {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            assert!(!slug.is_empty() && slug.bytes().all(plain), "{slug:?}");
        }
        assert!(MANIFEST.iter().all(|entry| find(entry.slug) == Some(entry)) && find("nothing").is_none());
    }

    #[test]
    fn what_is_a_part_of_a_unit_stands_behind_it_and_shares_its_port_and_module() {
        let mut parts = 0;
        for (before, entry) in MANIFEST.iter().zip(&MANIFEST[1..]).filter(|(_, entry)| entry.within.is_some()) {
            let host = entry.within.and_then(find).unwrap_or_else(|| panic!("{} is a part of nothing", entry.slug));
            assert_eq!((host.port, host.module, host.within), (entry.port, entry.module, None), "{}", entry.slug);
            assert!(*before == *host || before.within == entry.within, "{}", entry.slug);
            parts += 1;
        }
        assert_eq!(parts, 8, "the OTT rows without a port of their own; the apps for iOS and Android are one");
    }

    #[test]
    fn every_unit_belongs_to_one_of_the_modules() {
        let mut found = BTreeMap::new();
        own().for_each(|entry| *found.entry(entry.module).or_insert(0) += 1);
        assert_eq!(found, BTreeMap::from(MODULES));
    }
}
