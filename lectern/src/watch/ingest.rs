//! The objects of a bucket, one after the other.

use std::time::Duration;

use media_store::StoreError;

use super::bucket::{Inbox, Look, New};
use super::upload::{Refusal, Upload};
use super::{Watching, stopped};
use crate::exit::Failure;

/// Between two looks at a bucket in which nothing is new.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Uploads what comes into a bucket.
pub(super) async fn run(watching: &Watching, location: &str) -> Result<(), Failure> {
    let mut inbox = Inbox::open(location).await?;
    loop {
        let taken = look(watching, &mut inbox).await?;
        match taken {
            0 if watching.once => return Ok(()),
            0 => tokio::time::sleep(LOOK_EVERY).await,
            _ => {}
        }
    }
}

/// Looks at every object once; how many were new.
async fn look(watching: &Watching, inbox: &mut Inbox) -> Result<usize, Failure> {
    let mut look = Look::default();
    let mut taken = 0;
    while !look.is_over() {
        let Some(new) = inbox.look(&mut look, watching.remove).await? else {
            let detail = "there are more than a million objects";
            let hint = "watch with --remove, or a prefix for each year, and remove what is done";
            return Err(Failure::unavailable("watch.bucket", detail, hint));
        };
        taken += new.len();
        for new in new {
            one(watching, inbox, &new).await?;
        }
    }
    for (id, left) in inbox.tidy(&look).await? {
        // It was taken away, or replaced, while nobody watched.
        if let Some(upload) = watching.api.find(&left.upload_id, left.size_bytes).await.map_err(stopped)? {
            watching.api.give_up(&upload).await.map_err(stopped)?;
        }
        inbox.forget(id).await?;
    }
    Ok(taken)
}

async fn one(watching: &Watching, inbox: &mut Inbox, new: &New) -> Result<(), Failure> {
    let name = &new.object.name;
    match upload(watching, inbox, new).await {
        Ok(Some(upload)) => {
            inbox.done(new, &upload, watching.remove).await?;
            watching.say_done(name, &upload.asset)
        }
        // The next look finds what is there now, if anything is.
        Ok(None) => {
            tracing::info!(file = name, "it was replaced or removed while it was read");
            Ok(())
        }
        Err(Refusal::Unfit(why)) => {
            let note = inbox.failed(new, &why).await?;
            watching.say_refused(name, &why, note)
        }
        Err(other) => Err(stopped(other)),
    }
}

/// Uploads an object; `None` when it is gone, or another one is in its place.
async fn upload(watching: &Watching, inbox: &Inbox, new: &New) -> Result<Option<Upload>, Refusal> {
    let (api, size) = (&watching.api, new.object.size_bytes);
    let known = match inbox.recall(new).await? {
        Some(id) => api.find(&id, size).await?,
        None => None,
    };
    let upload = match known {
        Some(upload) => upload,
        None => {
            let upload = api.announce(&new.announced()).await?;
            inbox.begin(new, &upload).await?;
            upload
        }
    };
    let read = async |at, length| inbox.read(new, at, length).await?.ok_or(Refusal::Changed);
    match api.fill(&upload, size, read).await {
        Ok(()) => Ok(Some(upload)),
        // Unless somebody else was faster: then it is whole.
        Err(Refusal::Changed) => match api.give_up(&upload).await? {
            true => Ok(Some(upload)),
            false => {
                inbox.forget(new.id).await?;
                Ok(None)
            }
        },
        Err(refusal) => Err(refusal),
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Source(error)
    }
}
