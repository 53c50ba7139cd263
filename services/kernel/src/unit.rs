//! A unit of the [`manifest`](crate::manifest) as a build has it, and as one process serves it.

use std::sync::Arc;

use futures::future::BoxFuture;
use telemetry::figures::Text;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::{Code, Permission, Problem, Rights, Routes};

/// What a build has of a unit.
#[derive(Debug)]
pub struct Unit {
    /// Its slug in the manifest.
    pub slug: &'static str,
    /// The slugs of what the manifest has within it, as far as that is built.
    pub parts: &'static [&'static str],
    /// Its addresses, and no other unit's: `/api/v1/webhooks` is that one and all below it, `/` is itself alone.
    pub addresses: &'static [&'static str],
    /// The folders of `migrations/` whose tables it uses.
    pub tables: &'static [&'static str],
    /// The permissions that its routes ask for.
    pub permissions: &'static [Permission],
    /// The codes of what it refuses, beside the kernel's.
    pub codes: &'static [Code],
    /// What it has of people.
    pub rights: Rights,
}

/// No two have the same slug.
impl PartialEq for Unit {
    fn eq(&self, other: &Self) -> bool {
        self.slug == other.slug
    }
}

impl Eq for Unit {}

impl Unit {
    /// Whether a path, or the pattern of some, is one of its addresses.
    pub fn owns(&self, path: &str) -> bool {
        self.addresses.iter().any(|address| {
            let below = |rest: &str| rest.starts_with('/') && *address != "/";
            path.strip_prefix(address).is_some_and(|rest| rest.is_empty() || below(rest))
        })
    }
}

/// Adds what a unit has to say of itself to the text of `/metrics`.
pub type Figures = Arc<dyn for<'a> Fn(&'a mut Text) -> BoxFuture<'a, Result<(), Problem>> + Send + Sync>;

type Mount = Box<dyn FnOnce(Routes<()>) -> Routes<()> + Send>;
type Task = Box<dyn FnOnce(watch::Receiver<bool>) -> BoxFuture<'static, ()> + Send>;

/// A unit with all that it needs, for one process to serve.
pub struct Served {
    unit: &'static Unit,
    mount: Mount,
    figures: Option<Figures>,
    tasks: Vec<Task>,
}

impl Served {
    /// A unit whose routes, which `mount` mounts, share `state`.
    pub fn new<S: Clone + Send + Sync + 'static>(
        unit: &'static Unit,
        state: S,
        mount: impl FnOnce(Routes<S>) -> Routes<S> + Send + 'static,
    ) -> Self {
        Self { unit, mount: Box::new(|routes| routes.with(state, mount)), figures: None, tasks: Vec::new() }
    }

    /// The same with something to say at `/metrics`.
    #[must_use]
    pub fn with_figures(
        self,
        figures: impl for<'a> Fn(&'a mut Text) -> BoxFuture<'a, Result<(), Problem>> + Send + Sync + 'static,
    ) -> Self {
        Self { figures: Some(Arc::new(figures)), ..self }
    }

    /// The same with something that it does unasked, and ends when what it is given turns true.
    #[must_use]
    pub fn with_task<F: Future<Output = ()> + Send + 'static>(
        mut self,
        task: impl FnOnce(watch::Receiver<bool>) -> F + Send + 'static,
    ) -> Self {
        self.tasks.push(Box::new(|stopped| Box::pin(task(stopped))));
        self
    }

    /// Which one it is.
    pub fn unit(&self) -> &'static Unit {
        self.unit
    }

    /// What it has to say at `/metrics`.
    pub fn figures(&self) -> Option<Figures> {
        self.figures.clone()
    }

    /// Begins what it does unasked, which a second call does not do again.
    pub fn begin(&mut self, tasks: &mut JoinSet<()>, stopped: &watch::Receiver<bool>) {
        for task in self.tasks.drain(..) {
            tasks.spawn(task(stopped.clone()));
        }
    }

    /// Mounts its routes beside those of others.
    ///
    /// # Panics
    /// One of them is none of the unit's addresses, by which others find it.
    #[must_use]
    pub fn mount(self, routes: Routes<()>) -> Routes<()> {
        let Self { unit, mount, .. } = self;
        let before = routes.paths().len();
        let routes = mount(routes.of(Some(unit.slug))).of(None);
        for path in &routes.paths()[before..] {
            assert!(unit.owns(path), "{path} is no address of the unit {}", unit.slug);
        }
        routes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::Router;
    use axum::body::Body;
    use axum::extract::State;
    use axum::http::Request;
    use database::EngineKind;
    use database::testing::Scratch;
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    use utoipa::openapi::OpenApiBuilder;
    use utoipa_axum::routes;

    use super::*;
    use crate::{AdminToken, Guard, Policy, Recorder};

    static BELLS: Unit = Unit {
        slug: "bells",
        parts: &[],
        addresses: &["/bells"],
        tables: &["core"],
        permissions: &[],
        codes: &[],
        rights: Rights::nothing("bells know nobody"),
    };
    static WELLS: Unit = Unit {
        slug: "wells",
        parts: &[],
        addresses: &["/wells"],
        tables: &[],
        permissions: &[],
        codes: &[],
        rights: Rights::nothing("wells know nobody"),
    };

    #[utoipa::path(get, path = "/bells", operation_id = "bells", responses((status = 200, body = String)))]
    async fn bells(State(sound): State<&'static str>) -> String {
        sound.to_owned()
    }

    #[utoipa::path(get, path = "/wells", operation_id = "wells", responses((status = 200, body = String)))]
    async fn wells(State(depth): State<u32>) -> String {
        depth.to_string()
    }

    fn served() -> [Served; 2] {
        [
            Served::new(&BELLS, "ding", |routes| routes.mount(Policy::Public, routes!(bells))),
            Served::new(&WELLS, 40, |routes| routes.mount(Policy::Operator, routes!(wells))),
        ]
    }

    async fn ask(router: &Router, path: &str, token: &str) -> (u16, String) {
        let request = Request::get(path).header("authorization", format!("Bearer {token}"));
        let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn units_with_states_of_their_own_share_one_router_and_one_document() {
        const TOKEN: &str = "0123456789abcdef";
        let scratch = Scratch::migrated(EngineKind::Sqlite).await;
        let recorder = Recorder::new(scratch.db.clone());
        let guard = || Guard::new(AdminToken::new(TOKEN).unwrap());
        let none = || Routes::new(guard(), Some(recorder.clone()), OpenApiBuilder::new().build());
        let both = served().into_iter().fold(none(), |routes, served| served.mount(routes));
        let (router, document) = both.finish(());
        assert_eq!(ask(&router, "/bells", "").await, (200, "ding".to_owned()));
        assert_eq!(ask(&router, "/wells", TOKEN).await, (200, "40".to_owned()));
        assert_eq!(ask(&router, "/wells", "").await.0, 401, "its policy came along");
        assert_eq!(document.paths.paths.keys().collect::<Vec<_>>(), ["/bells", "/wells"]);

        let [_, wells] = served();
        let (router, document) = wells.mount(none()).finish(());
        assert_eq!(ask(&router, "/wells", TOKEN).await.0, 200);
        assert_eq!(ask(&router, "/bells", TOKEN).await.0, 404, "it is not served here");
        assert_eq!(document.paths.paths.keys().collect::<Vec<_>>(), ["/wells"]);
    }

    #[test]
    fn an_address_is_itself_and_all_below_it_and_the_root_itself_alone() {
        let unit = Unit { addresses: &["/", "/api/v1/bells"], ..BELLS };
        for path in ["/", "/api/v1/bells", "/api/v1/bells/", "/api/v1/bells/{id}/ring"] {
            assert!(unit.owns(path), "{path}");
        }
        for path in ["", "//", "/api", "/api/v1/bell", "/api/v1/bellsx", "/x/api/v1/bells"] {
            assert!(!unit.owns(path), "{path}");
        }
    }

    #[test]
    fn a_route_elsewhere_than_at_the_units_addresses_cannot_be_mounted() {
        let stray = Served::new(&WELLS, "ding", |routes| routes.mount(Policy::Public, routes!(bells)));
        let none = || {
            Routes::new(Guard::new(AdminToken::new("0123456789abcdef").unwrap()), None, OpenApiBuilder::new().build())
        };
        let mounted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| stray.mount(none())));
        assert!(mounted.is_err());
    }

    #[tokio::test]
    async fn what_a_unit_does_unasked_begins_once_and_ends_when_it_is_told() {
        let [bells, _] = served();
        let (told, mut hears) = tokio::sync::mpsc::channel(2);
        let mut bells = bells.with_task(|mut stopped| async move {
            told.send("begun").await.unwrap();
            stopped.wait_for(|stop| *stop).await.unwrap();
            told.send("ended").await.unwrap();
        });
        let (mut tasks, (stop, stopped)) = (JoinSet::new(), watch::channel(false));
        bells.begin(&mut tasks, &stopped);
        bells.begin(&mut tasks, &stopped);
        assert_eq!(tasks.len(), 1);
        assert_eq!(hears.recv().await, Some("begun"));
        stop.send(true).unwrap();
        assert_eq!(hears.recv().await, Some("ended"));
        tasks.join_next().await.unwrap().unwrap();
    }
}
