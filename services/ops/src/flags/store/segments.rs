//! Segments in their table.

use database::{DbError, args};
use media_types::TenantId;

use super::{By, Change, FlagError, Kind, Store, json_of, last_version, requests};
use crate::flags::model::{Content, FlagRow, FlagSegment, MAX_FLAGS, MAX_SEGMENTS, SegmentRow, Settings};
use crate::flags::sql;

impl Store {
    /// All of them, in the order of their names.
    pub(crate) async fn segments(&self, tenant: &TenantId) -> Result<Vec<SegmentRow>, DbError> {
        self.db.all(sql::SEGMENTS, args![tenant, MAX_SEGMENTS]).await
    }

    pub(crate) async fn segment(&self, tenant: &TenantId, name: &str) -> Result<Option<SegmentRow>, DbError> {
        self.db.optional(sql::SEGMENT, args![tenant, name]).await
    }

    /// Makes a segment, or `content` of the one that `of` was.
    pub(crate) async fn put_segment(
        &self,
        by: By<'_>,
        name: &str,
        of: Option<&SegmentRow>,
        content: &FlagSegment,
    ) -> Result<SegmentRow, FlagError> {
        let tenant = by.tenant;
        let mut tx = self.begin(tenant).await?;
        let now: Option<SegmentRow> = tx.optional(sql::SEGMENT, args![tenant, name]).await?;
        if now.as_ref().map(|row| row.version) != of.map(|row| row.version) {
            return Err(FlagError::Changed);
        }
        requests::permit_segment(&mut tx, tenant, name).await?;
        if now.is_none() {
            let (count,): (i64,) = tx.optional(sql::COUNT_SEGMENTS, args![tenant]).await?.ok_or(DbError::NoRow)?;
            if count >= MAX_SEGMENTS {
                return Err(FlagError::TooMany(count));
            }
        }
        let version = last_version(&mut tx, tenant, Kind::Segment, name).await? + 1;
        let became = json_of(content);
        let args = args![tenant, name, version, became.clone(), self.now_ms()];
        let row = tx.optional(sql::PUT_SEGMENT, args).await?.ok_or(DbError::NoRow)?;
        let was = now.map(|row| json_of(&row.content.0));
        let action = if was.is_some() { "changed" } else { "created" };
        let change = Change { kind: Kind::Segment, name, version, action, was, became: Some(became) };
        self.record(&mut tx, by, change).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Removes a segment that no flag refers to.
    pub(crate) async fn delete_segment(&self, by: By<'_>, of: &SegmentRow) -> Result<(), FlagError> {
        let tenant = by.tenant;
        let mut tx = self.begin(tenant).await?;
        requests::check_freeze(&mut tx).await?;
        let flags: Vec<FlagRow> = tx.all(sql::ALL_FLAGS, args![tenant, MAX_FLAGS]).await?;
        let user = flags.into_iter().find(|flag| named(&flag.content.0).any(|name| name == of.name));
        if let Some(user) = user {
            return Err(FlagError::InUse(user.key));
        }
        let now: Option<SegmentRow> = tx.optional(sql::SEGMENT, args![tenant, &of.name]).await?;
        if now.is_none_or(|row| row.version != of.version) {
            return Err(FlagError::Changed);
        }
        tx.execute(sql::DELETE_SEGMENT, args![tenant, &of.name]).await?;
        let (kind, was) = (Kind::Segment, Some(json_of(&of.content.0)));
        let change = Change { kind, name: &of.name, version: of.version + 1, action: "deleted", was, became: None };
        self.record(&mut tx, by, change).await?;
        Ok(tx.commit().await?)
    }
}

/// The segments that a flag refers to.
pub(crate) fn named(content: &Content) -> impl Iterator<Item = &str> {
    content.environments.values().flat_map(named_in)
}

/// The same in one environment.
pub(super) fn named_in(settings: &Settings) -> impl Iterator<Item = &str> {
    settings.strategies.iter().flat_map(|strategy| &strategy.segments).map(String::as_str)
}
