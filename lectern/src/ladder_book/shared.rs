//! An operator's ladders in the store, for workers of other machines: the folder they are edited in is the API's alone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ladders::Ladder;
use media_store::{MediaStore, StoreError, Version};
use tokio::sync::watch;

use super::LadderBook;

/// Where all of them lie, by name.
const KEY: &str = "ladders/in-force.json";
/// Between two looks at the folder.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Ladder files by the names of their ladders.
pub(super) type Texts = BTreeMap<String, Arc<str>>;

/// The ladders of a folder, which lie in the store before anyone is told of them: who plans elsewhere finds what was meant.
pub(crate) struct Sharing {
    book: LadderBook,
    media: Arc<dyn MediaStore>,
    shared: Mutex<Option<Texts>>,
}

impl Sharing {
    pub(crate) fn new(book: LadderBook, media: Arc<dyn MediaStore>) -> Self {
        Self { book, media, shared: Mutex::new(None) }
    }

    /// The ladder of that name, as in force now. Waits for the store when it has changed.
    ///
    /// # Panics
    /// On a runtime of one thread.
    pub(crate) fn get(&self, name: &str) -> Option<Ladder> {
        if !self.is_shared(&self.book.texts()) {
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(self.share()));
        }
        self.book.get(name)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.book.all().into_iter().map(|ladder| ladder.name).collect()
    }

    /// Keeps the store's ladders those of the folder until `stopped` turns true.
    pub(crate) async fn run(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = stopped.wait_for(|stop| *stop) => return,
            }
            self.share().await;
        }
    }

    async fn share(&self) {
        let texts = self.book.texts();
        if self.is_shared(&texts) {
            return;
        }
        match write(&*self.media, &texts).await {
            Ok(()) => *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = Some(texts),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "workers elsewhere keep the ladders they have")
            }
        }
    }

    fn is_shared(&self, texts: &Texts) -> bool {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(texts)
    }
}

async fn write(media: &dyn MediaStore, texts: &Texts) -> Result<(), StoreError> {
    let bytes = serde_json::to_vec(&plain(texts)).expect("texts by name always have a JSON form");
    let there = media.get_versioned(KEY).await?;
    let same = there.as_ref().is_some_and(|(there, _)| *there == bytes);
    if same || (there.is_none() && texts.is_empty()) {
        return Ok(());
    }
    let expected: Option<Version> = there.map(|(_, version)| version);
    media.swap(KEY, expected.as_ref(), bytes.into()).await.map(drop)
}

fn plain(texts: &Texts) -> BTreeMap<&str, &str> {
    texts.iter().map(|(name, text)| (name.as_str(), &**text)).collect()
}

/// The ladder of that name: this machine's own file, else the one in the store, else the shipped one.
///
/// # Errors
/// When the store cannot say.
pub(crate) async fn find(book: &LadderBook, media: &dyn MediaStore, name: &str) -> Result<Option<Ladder>, StoreError> {
    if book.texts().contains_key(name) {
        return Ok(book.get(name));
    }
    let Some((bytes, _)) = media.get_versioned(KEY).await? else { return Ok(book.get(name)) };
    let damaged = || StoreError::Damaged { key: KEY.to_owned() };
    let texts: BTreeMap<String, String> = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
    let Some(text) = texts.get(name) else { return Ok(book.get(name)) };
    // It was read without a mistake where it was written, by the same version or by one that knows more.
    let ladder = ladders::parse(KEY, text).map_err(|report| {
        tracing::error!(ladder = name, "a ladder in the store is refused here:\n{report}");
        damaged()
    })?;
    Ok(Some(ladder))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use media_store::MemoryStore;

    use super::super::tests::film_named;
    use super::*;

    #[tokio::test]
    async fn a_machine_without_the_folder_plans_with_the_ladders_of_the_one_that_has_it() {
        let media = MemoryStore::default();
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let book = LadderBook::open(folder.path().to_owned());
        let other = LadderBook::open(elsewhere.path().join("nowhere"));
        write(&media, &book.texts()).await.unwrap();
        assert!(media.get_versioned(KEY).await.unwrap().is_none(), "shipped ladders are everywhere");
        assert!(find(&other, &media, "house").await.unwrap().is_none());

        for edited in ["", "# edited\n"] {
            std::fs::write(folder.path().join("house.toml"), format!("{edited}{}", film_named("house"))).unwrap();
            std::fs::write(folder.path().join("film.toml"), format!("{edited}# ours\n{}", film_named("film"))).unwrap();
            write(&media, &book.texts()).await.unwrap();
            for name in ["house", "film", "lecture"] {
                let found = find(&other, &media, name).await.unwrap().unwrap();
                assert_eq!(found.sha256, book.get(name).unwrap().sha256, "{name}");
            }
        }
        std::fs::remove_file(folder.path().join("house.toml")).unwrap();
        write(&media, &book.texts()).await.unwrap();
        assert!(find(&other, &media, "house").await.unwrap().is_none());
        assert!(
            find(&other, &media, "film")
                .await
                .unwrap()
                .is_some_and(|film| film.sha256 != ladders::builtin("film").unwrap().sha256)
        );
    }
}
