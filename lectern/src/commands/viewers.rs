//! What viewers wait for: to the queue, or to the process that has one.

use std::pin::Pin;
use std::time::Duration;

use control_api::{DEMAND_PATH, Hope, Wish};
use http_client::{Credential, HttpClient, Limits, Request};
use kernel::AdminToken;
use media_types::PlaybackId;
use origin_server::{Demand, Demanded, Outlook};
use workers::Wishes;

use crate::exit::Failure;
use crate::settings;

/// What processes of one installation know each other by.
const TOKEN_VARIABLE: &str = settings::SERVICE_TOKEN.name;
/// A wish that is not heard within this is not waited for: the viewer asks again.
const HEARD_WITHIN: Duration = Duration::from_secs(4);
const WISHES_AT_ONCE: usize = 32;

type Soon<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The token that other processes of the installation call with, where one is set.
pub(super) fn service_token() -> Result<Option<AdminToken>, Failure> {
    let Ok(text) = std::env::var(TOKEN_VARIABLE) else { return Ok(None) };
    AdminToken::new(&text).map(Some).map_err(|error| {
        Failure::config("token.weak", format!("{TOKEN_VARIABLE}: {error}"), "make one with: openssl rand -hex 24")
    })
}

/// Told to the queue.
pub(super) struct Viewers(pub(super) Wishes);

impl Viewers {
    async fn tell(&self, playback: &PlaybackId, path: &str) -> Outlook {
        match self.0.demand(playback, path).await {
            Ok(true) => Outlook::Coming,
            Ok(false) => Outlook::Never,
            Err(error) => {
                tracing::warn!(playback_id = %playback, path, %error, "a viewer's wish was not heard");
                Outlook::Coming
            }
        }
    }
}

impl Demand for Viewers {
    fn demand(&self, wanted: Demanded) -> Soon<'_, Outlook> {
        Box::pin(async move { self.tell(&wanted.playback, &wanted.path).await })
    }
}

impl control_api::Viewers for Viewers {
    fn want<'a>(&'a self, playback: &'a PlaybackId, path: &'a str) -> Soon<'a, bool> {
        Box::pin(async move { self.tell(playback, path).await == Outlook::Coming })
    }
}

/// Told to the API of another process.
pub(super) struct Elsewhere {
    client: HttpClient,
    url: String,
    credential: Credential,
}

impl Elsewhere {
    /// The API at `base`, which is called with the token of the environment.
    pub(super) fn at(base: &str) -> Result<Self, Failure> {
        let limits = Limits {
            connect: HEARD_WITHIN,
            whole: HEARD_WITHIN,
            body_bytes: 4 << 10,
            at_once: WISHES_AT_ONCE,
            ..Limits::default()
        };
        let client = crate::http::client(limits)?;
        let url = format!("{}{DEMAND_PATH}", base.trim_end_matches('/'));
        let hint = "write https://..., or http://127.0.0.1:PORT on the same machine";
        client
            .check_url(&url)
            .map_err(|error| Failure::config("demand.url", format!("--demand-url: {error}"), hint))?;
        let unset = format!("--demand-url is given and {TOKEN_VARIABLE} is not set");
        let missing = || Failure::config("token.missing", unset, "set it to what the API was started with");
        service_token()?.ok_or_else(missing)?;
        // It was taken for a token just now: printable, without spaces.
        let text = zeroize::Zeroizing::new(std::env::var(TOKEN_VARIABLE).unwrap_or_default());
        let bearer = zeroize::Zeroizing::new(format!("Bearer {}", *text));
        let credential = Credential::parse(&bearer)
            .map_err(|error| Failure::config("token.weak", format!("{TOKEN_VARIABLE}: {error}"), ""))?;
        Ok(Self { client, url, credential })
    }

    async fn ask(&self, wanted: &Demanded) -> Result<bool, String> {
        let wish = Wish { playback_id: wanted.playback.to_string(), path: wanted.path.clone() };
        let mut request = Request::get(&self.url);
        request.method = http_client::Method::POST;
        request.body = serde_json::to_vec(&wish).map_err(|error| error.to_string())?.into();
        let json = http_client::header::HeaderValue::from_static("application/json");
        request.headers.extend([(http_client::header::CONTENT_TYPE, json), self.credential.header()]);
        let response = self.client.send(request).await.map_err(|error| error.to_string())?;
        if !response.status.is_success() {
            return Err(format!("it answered {}", response.status));
        }
        serde_json::from_slice(&response.body).map(|hope: Hope| hope.coming).map_err(|error| error.to_string())
    }
}

impl Demand for Elsewhere {
    fn demand(&self, wanted: Demanded) -> Soon<'_, Outlook> {
        Box::pin(async move {
            match self.ask(&wanted).await {
                Ok(true) => Outlook::Coming,
                Ok(false) => Outlook::Never,
                Err(error) => {
                    let Demanded { playback, path, .. } = &wanted;
                    tracing::warn!(playback_id = %playback, path, url = self.url, error, "a viewer's wish was not heard");
                    Outlook::Coming
                }
            }
        })
    }
}
