//! What the addresses share that every process answers.

use std::sync::Arc;

use bytes::Bytes;
use database::Database;
use kernel::Served;

use crate::docs;
use crate::gateway::Gateway;
use crate::ops::Requests;
use crate::options::{Figures, FrontOptions};

/// The state of what every process answers. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Front(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) version: String,
    pub(crate) database: Option<Database>,
    /// The tables of all units that are served.
    pub(crate) tables: Vec<&'static str>,
    pub(crate) requests: Arc<Requests>,
    /// Of the units, in their order.
    pub(crate) figures: Vec<kernel::unit::Figures>,
    pub(crate) more_figures: Vec<Figures>,
    /// The page of the documentation.
    pub(crate) page: Bytes,
}

impl std::ops::Deref for Front {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Front {
    pub(crate) fn new(options: FrontOptions, units: &[Served], gateway: Option<&Gateway>) -> Self {
        let FrontOptions { version, database, more_figures, .. } = options;
        let tables = units.iter().flat_map(|served| served.unit().tables).copied().collect();
        let figures = units.iter().filter_map(Served::figures).collect();
        let of_others = gateway.into_iter().flat_map(Gateway::codes);
        let page = docs::whole_page(units.iter().flat_map(|served| served.unit().codes).chain(of_others));
        Self(Arc::new(Inner { version, database, tables, requests: Arc::default(), figures, more_figures, page }))
    }
}
