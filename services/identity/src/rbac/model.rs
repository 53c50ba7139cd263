//! What somebody may and by what, and what a change of a role would do to that. Pure.

use std::sync::Arc;

use kernel::{Grants, Permission};

/// A role of a tenant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Role {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) grants: Grants,
}

/// That somebody has a role.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Held {
    /// The id of the binding.
    pub(crate) binding: String,
    pub(crate) role: Arc<Role>,
    /// When it ends; `None` of what is for good.
    pub(crate) expires_ms: Option<i64>,
}

impl Held {
    pub(crate) fn holds(&self, now_ms: i64) -> bool {
        self.expires_ms.is_none_or(|end| end > now_ms)
    }
}

/// A person, as far as it decides what he may.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Subject {
    pub(crate) id: String,
    /// Whether he may sign in.
    pub(crate) is_active: bool,
    /// His own list.
    pub(crate) own: Grants,
    /// His roles, also those that have ended.
    pub(crate) roles: Vec<Held>,
}

/// Whether this can be the id of a person or a role.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// What somebody may by his own list and his roles.
pub(crate) fn may(own: &Grants, roles: &[Held], now_ms: i64) -> Grants {
    let holding = roles.iter().filter(|held| held.holds(now_ms));
    Grants::united(holding.map(|held| &held.role.grants).chain([own]))
}

/// What of that is for good, and not for a while only.
pub(crate) fn lasting(own: &Grants, roles: &[Held]) -> Grants {
    let endless = roles.iter().filter(|held| held.expires_ms.is_none());
    Grants::united(endless.map(|held| &held.role.grants).chain([own]))
}

/// Of all that there are, the permission of this action on this kind of resource.
pub(crate) fn find(catalogue: &[Permission], resource: &str, action: &str) -> Option<Permission> {
    catalogue.iter().find(|of| of.resource == resource && of.action == action).copied()
}

/// By what somebody may do something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ground<'a> {
    /// The entry of the list: `asset.read`, `asset.*` or `*`.
    pub(crate) entry: &'a str,
    /// The role whose list it is; `None` of the person's own.
    pub(crate) held: Option<&'a Held>,
}

/// In place of a refusal's word, of what somebody may.
pub(crate) const GRANTED: &str = "granted";

/// Why somebody may not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    UnknownSubject,
    Suspended,
    UnknownPermission,
    NotGranted,
}

impl Refusal {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::UnknownSubject => "unknown_subject",
            Self::Suspended => "suspended",
            Self::UnknownPermission => "unknown_permission",
            Self::NotGranted => "not_granted",
        }
    }
}

/// Everything by which somebody may do something, one ground at least; or why he may not. A permission that no route asks for is
/// nobody's, `*` or not.
pub(crate) fn decide(
    subject: Option<&Subject>,
    permission: Option<Permission>,
    now_ms: i64,
) -> Result<Vec<Ground<'_>>, Refusal> {
    let subject = subject.ok_or(Refusal::UnknownSubject)?;
    if !subject.is_active {
        return Err(Refusal::Suspended);
    }
    let permission = permission.ok_or(Refusal::UnknownPermission)?;
    let own = subject.own.entry_for(permission).map(|entry| Ground { entry, held: None });
    let by_roles = subject.roles.iter().filter(|held| held.holds(now_ms)).filter_map(|held| {
        let entry = held.role.grants.entry_for(permission)?;
        Some(Ground { entry, held: Some(held) })
    });
    let grounds: Vec<Ground<'_>> = own.into_iter().chain(by_roles).collect();
    if grounds.is_empty() { Err(Refusal::NotGranted) } else { Ok(grounds) }
}

/// What a change of a role would do.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Impact {
    /// People who have the role.
    pub(crate) holders: usize,
    pub(crate) gain: Reach,
    pub(crate) lose: Reach,
}

/// Who is concerned, and by what.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reach {
    /// How many people.
    pub(crate) people: usize,
    /// Which permissions, and of each how many people.
    pub(crate) permissions: Vec<(Permission, usize)>,
}

/// What it would do to these people, whoever has the role among them, if the role had that list. What somebody has besides the role
/// he neither gains nor loses.
pub(crate) fn dry_run(
    catalogue: &[Permission],
    (role, list): (&Role, &Grants),
    people: &[Subject],
    now_ms: i64,
) -> Impact {
    let of_role = |held: &Held| held.holds(now_ms) && held.role.id == role.id;
    let holders: Vec<Vec<&Grants>> = people
        .iter()
        .filter(|person| person.roles.iter().any(of_role))
        .map(|person| {
            let others = person.roles.iter().filter(|held| held.holds(now_ms) && held.role.id != role.id);
            others.map(|held| &held.role.grants).chain([&person.own]).collect()
        })
        .collect();
    let reach = |was: &Grants, is: &Grants| {
        let changed = catalogue.iter().copied().filter(|of| is.allows(*of) && !was.allows(*of));
        let mut concerned = vec![false; holders.len()];
        let mut permissions = Vec::new();
        for permission in changed {
            let mut count = 0;
            for (besides, is_concerned) in holders.iter().zip(&mut concerned) {
                let is_new = !besides.iter().any(|list| list.allows(permission));
                count += usize::from(is_new);
                *is_concerned |= is_new;
            }
            if count > 0 {
                permissions.push((permission, count));
            }
        }
        Reach { people: concerned.iter().filter(|is| **is).count(), permissions }
    };
    Impact { holders: holders.len(), gain: reach(&role.grants, list), lose: reach(list, &role.grants) }
}

#[cfg(test)]
mod tests;
