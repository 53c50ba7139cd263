//! The codes of what the kernel itself refuses.

crate::problem_codes! {
    /// Every code of the kernel.
    pub ALL:
    AUDIT_INVALID_REASON = "audit.invalid_reason",
        "The header `Lectern-Reason` says in 1 to 500 characters of UTF-8 why a request is sent.",
        "shorten the header Lectern-Reason, or leave it out";
    AUTH_FORBIDDEN = "auth.forbidden",
        "The token is good, and its holder may not do this.",
        "use the token of a key or a person with the permission that detail names, or the admin token; /api/docs has the permission of each address";
    AUTH_INVALID_TOKEN = "auth.invalid_token",
        "The bearer token is neither this server's admin token nor a key or an access token that holds.",
        "refresh the session or sign in again; or send a key that was not revoked and has not expired, or the admin token that this server was started with, as 'Authorization: Bearer <token>'";
    AUTH_MISSING_TOKEN = "auth.missing_token",
        "The address needs the header `Authorization: Bearer`.",
        "send a key, an access token or the admin token as 'Authorization: Bearer <token>'";
    BODY_INCOMPLETE = "body.incomplete",
        "The connection ended before the body did.",
        "send the request again";
    BODY_INVALID = "body.invalid",
        "The body is JSON of another shape; `errors` points at the part.",
        "correct the parts that errors points at; /api/docs has the shape";
    BODY_MALFORMED = "body.malformed",
        "The body is not JSON.",
        "send one JSON value and nothing after it";
    BODY_NOT_JSON = "body.not_json",
        "The Content-Type is not `application/json`.",
        "send the header 'Content-Type: application/json'";
    BODY_TOO_LARGE = "body.too_large",
        "JSON bodies have at most 1 MiB.",
        "send a smaller body; media goes to the address of its upload";
    DATABASE_BUSY = "database.busy",
        "Another change was in the way.",
        "repeat the request after the seconds in Retry-After";
    EVENTS_TOO_MANY_LISTENERS = "events.too_many_listeners",
        "Too many streams of events are open.",
        "close streams that nobody reads, or connect again after the seconds in Retry-After";
    FIELD_INVALID = "field.invalid",
        "One part of the request has a wrong value.",
        "correct the part that pointer names; /api/docs has the values it takes";
    FIELD_UNKNOWN = "field.unknown",
        "The request has a part that this address does not know.",
        "leave the part out, or correct its name; /api/docs has the names";
    HTTP_INVALID_PATH = "http.invalid_path",
        "The address is not UTF-8 under its percent encoding.",
        "use the address as the server gave it";
    HTTP_METHOD_NOT_ALLOWED = "http.method_not_allowed",
        "This address does not take that method.",
        "use one of the methods in the header Allow";
    HTTP_NOT_FOUND = "http.not_found",
        "There is nothing at this address.",
        "check the address; /api/docs lists all of them";
    HTTP_PRECONDITION_FAILED = "http.precondition_failed",
        "The resource is not the one that `If-Match` names.",
        "read it again and repeat the change with the new ETag";
    HTTP_PRECONDITION_REQUIRED = "http.precondition_required",
        "A change of this resource says which state of it is meant, by the header `If-Match`.",
        "read the resource, and repeat the change with its ETag in the header If-Match";
    IDEMPOTENCY_IN_FLIGHT = "idempotency.in_flight",
        "A request with the same `Idempotency-Key` still runs.",
        "repeat the request after the seconds in Retry-After, with the same key";
    IDEMPOTENCY_INVALID_KEY = "idempotency.invalid_key",
        "An `Idempotency-Key` has 1 to 255 printable ASCII characters.",
        "use a UUID as the key";
    IDEMPOTENCY_KEY_REUSED = "idempotency.key_reused",
        "The key came with another request before.",
        "use a new key for every new request";
    PAGE_INVALID_CURSOR = "page.invalid_cursor",
        "The cursor was not made by this list.",
        "pass the next of the page before unchanged, or start without after";
    PAGE_INVALID_LIMIT = "page.invalid_limit",
        "A page has 1 to 200 rows.",
        "ask for 1 to 200 rows, and for the rest with after";
    QUERY_INVALID = "query.invalid",
        "The query has a parameter that this address does not take, or a wrong value.",
        "leave out or correct the parameter that errors names; /api/docs lists them";
    RATE_LIMITED = "rate.limited",
        "A key, a tenant or an address has sent more requests than are answered.",
        "wait for the seconds in Retry-After; the header RateLimit tells with each answer how many more are answered at once";
    RIGHTS_TOO_MUCH = "rights.too_much",
        "An archive of what is kept of a person has at most 64 MiB.",
        "ask whoever runs this server for a copy of the rows";
    SERVER_INTERNAL = "server.internal",
        "A fault of the server. Its log has the cause under the request id.",
        "try again; if it fails again, look for the request_id in the server's log";
    SERVER_NOT_READY = "server.not_ready",
        "The database does not answer or is not migrated.",
        "check that the database runs, then apply the migrations with 'lectern migrate'";
    STORAGE_FULL = "storage.full",
        "The disk is full. What was received is kept.",
        "free space or enlarge the disk; the bytes received so far are kept";
    TENANT_NOT_FOUND = "tenant.not_found",
        "There is no such tenant.",
        "check the id, or the slug in the header Lectern-Tenant; GET /api/v1/tenants lists the tenants there are";
    TENANT_SUSPENDED = "tenant.suspended",
        "The tenant is suspended: its keys and its people open nothing.",
        "ask whoever runs this server to resume the tenant";
    UNIT_MAINTENANCE = "unit.maintenance",
        "The unit with this address is closed for a while; detail says why. Others are not concerned.",
        "repeat the request after the seconds in Retry-After";
    UNIT_NOT_FOUND = "unit.not_found",
        "There is no unit of this name.",
        "name one of those that 'lectern units' lists";
    UNIT_OPEN = "unit.open",
        "The unit is not closed.",
        "close it with PUT at the same address, if it is to be";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_none_repeats() {
        assert!(ALL.is_sorted_by(|one, next| one.name() < next.name()));
    }
}
