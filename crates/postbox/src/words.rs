//! What letters say, in each language that they are written in. Pure.

use fluent_bundle::{FluentArgs, FluentBundle, FluentResource};
use unic_langid::LanguageIdentifier;

use crate::letter::About;

/// The languages: their tags and their words. The first stands in for all that are not here.
static LANGUAGES: [(&str, &str); 2] = [("en", include_str!("locales/en.ftl")), ("de", include_str!("locales/de.ftl"))];

/// One language.
pub(crate) struct Words {
    /// Its tag.
    pub(crate) tag: &'static str,
    bundle: FluentBundle<FluentResource>,
}

impl Words {
    /// Those of the language of a locale, whatever else that says.
    pub(crate) fn of(locale: &str) -> Self {
        let language = locale.split('-').next().unwrap_or_default().to_ascii_lowercase();
        let found = LANGUAGES.iter().find(|(tag, _)| *tag == language);
        let (tag, source) = *found.unwrap_or(&LANGUAGES[0]);
        let language: LanguageIdentifier = tag.parse().expect("the tag of a language of ours is one");
        let mut bundle = FluentBundle::new(vec![language]);
        // Marks around what is filled in are for languages that are read from both sides, and there is none here.
        bundle.set_use_isolating(false);
        // What could not be read is missing then, which a test would find.
        let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(resource, _)| resource);
        bundle.add_resource_overriding(resource);
        Self { tag, bundle }
    }

    /// A sentence; nothing where the language has none of this name.
    pub(crate) fn say(&self, name: &str, about: &About) -> Option<String> {
        let args = filled(about);
        let message = self.bundle.get_message(name)?;
        let mut faults = Vec::new();
        let said = self.bundle.format_pattern(message.value()?, Some(&args), &mut faults).into_owned();
        faults.is_empty().then_some(said)
    }
}

/// What is filled in.
fn filled(about: &About) -> FluentArgs<'static> {
    let mut args = FluentArgs::new();
    match about {
        About::SignIn { minutes } | About::Password { minutes } => args.set("minutes", *minutes),
        About::FactorAdded { factor } | About::FactorRemoved { factor } => args.set("factor", factor.word()),
        About::PasswordChanged | About::Impersonated => {}
    }
    args
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;

    fn names(source: &str) -> BTreeSet<&str> {
        let heads = source.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
        heads.filter_map(|line| Some(line.split_once(" = ")?.0)).collect()
    }

    #[test]
    fn each_language_has_the_same_sentences_and_all_of_them_can_be_read() {
        let whole = names(LANGUAGES[0].1);
        assert!(whole.len() > 15, "{whole:?}");
        for (tag, source) in LANGUAGES {
            assert_eq!(names(source), whole, "{tag}");
            assert!(FluentResource::try_new(source.to_owned()).is_ok(), "{tag}");
        }
    }

    #[test]
    fn the_language_of_a_locale_is_taken_and_english_for_all_others() {
        for (locale, tag) in
            [("de", "de"), ("de-CH", "de"), ("DE", "de"), ("en-GB", "en"), ("zh-Hant", "en"), ("", "en")]
        {
            assert_eq!(Words::of(locale).tag, tag, "{locale}");
        }
        let about = About::SignIn { minutes: 15 };
        assert!(Words::of("de").say("sign-in-body", &about).unwrap().contains("einmal, 15 Minuten lang"));
        assert_eq!(Words::of("de").say("sign-out-body", &about), None);
    }
}
