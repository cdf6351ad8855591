//! The router and its OpenAPI document, made from the same handlers.

use crate::route::{
    alerts, assets, enrolments, events, health, incidents, intel, ledger, login, orders, pool, rules, scrubbers,
    status, stream, taxii, tokens, users, vulnerabilities, web,
};
use crate::{ApiState, gate, problem};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use base::limits::API_BODY_BYTES;
use std::sync::OnceLock;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What the document says of itself.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Garrison",
        version = "1",
        description = "Times are µs since the Unix epoch. Failed calls answer application/problem+json (RFC 9457) \
                       in English or Chinese by Accept-Language. Lists are pages: send `next` back as `cursor`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(crate::Problem)),
    modifiers(&Schemes),
    security(("token" = []), ("session" = [], "csrf" = []))
)]
struct Head;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        let header = |name: &str| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(name)));
        let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(crate::session::COOKIE)));
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        components.add_security_scheme("session", cookie);
        components.add_security_scheme("csrf", header(crate::session::CSRF_HEADER));
    }
}

fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::with_openapi(Head::openapi())
        .routes(routes!(health::healthz))
        .routes(routes!(health::openapi))
        .routes(routes!(login::login))
        .routes(routes!(login::logout))
        .routes(routes!(login::who))
        .routes(routes!(login::change_password))
        .routes(routes!(status::status))
        .routes(routes!(status::agents))
        .routes(routes!(status::deny_agent))
        .routes(routes!(events::events))
        .routes(routes!(events::query_events))
        .routes(routes!(events::event_tables))
        .routes(routes!(alerts::alerts))
        .routes(routes!(alerts::alert))
        .routes(routes!(incidents::incidents))
        .routes(routes!(incidents::incident))
        .routes(routes!(incidents::chain))
        .routes(routes!(incidents::close_incident))
        .routes(routes!(orders::orders, orders::give_order))
        .routes(routes!(orders::order))
        .routes(routes!(orders::undo_order))
        .routes(routes!(ledger::ledger))
        .routes(routes!(ledger::verify_ledger))
        .routes(routes!(tokens::tokens, tokens::create_token))
        .routes(routes!(tokens::revoke_token))
        .routes(routes!(users::users, users::create_user))
        .routes(routes!(users::delete_user))
        .routes(routes!(users::change_roles))
        .routes(routes!(users::reset_password))
        .routes(routes!(enrolments::create_enrolment))
        .routes(routes!(intel::status))
        .routes(routes!(intel::lookup))
        .routes(routes!(intel::add, intel::withdraw))
        .routes(routes!(intel::import))
        .routes(routes!(intel::job))
        .routes(routes!(intel::export))
        .routes(routes!(intel::hunt))
        .routes(routes!(intel::attribute))
        .routes(routes!(intel::feeds, intel::put_feed))
        .routes(routes!(intel::drop_feed))
        .routes(routes!(intel::run_feed))
        .routes(routes!(intel::shares, intel::put_share))
        .routes(routes!(intel::drop_share))
        .merge(content())
        .routes(routes!(taxii::discovery))
        .routes(routes!(taxii::read, taxii::add, taxii::delete))
        .routes(routes!(stream::stream))
}

/// Rules, inventory, vulnerabilities, addresses, web sites.
fn content() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(rules::rules))
        .routes(routes!(rules::change, rules::versions))
        .routes(routes!(rules::rollout))
        .routes(routes!(rules::exceptions))
        .routes(routes!(rules::propose))
        .routes(routes!(rules::test))
        .routes(routes!(rules::tested, rules::cancel))
        .routes(routes!(rules::rule))
        .routes(routes!(assets::assets))
        .routes(routes!(assets::hosts))
        .routes(routes!(assets::history))
        .routes(routes!(vulnerabilities::findings))
        .routes(routes!(vulnerabilities::vulnerability))
        .routes(routes!(vulnerabilities::import))
        .routes(routes!(vulnerabilities::job))
        .routes(routes!(vulnerabilities::sources))
        .routes(routes!(vulnerabilities::forget))
        .routes(routes!(pool::summary))
        .routes(routes!(pool::address))
        .routes(routes!(pool::holders))
        .routes(routes!(pool::ranges))
        .routes(routes!(pool::change))
        .routes(routes!(pool::allocate))
        .routes(routes!(web::sites))
        .routes(routes!(web::site, web::replace))
        .routes(routes!(web::remove))
        .routes(routes!(web::exclude))
        .routes(routes!(web::traffic))
        .routes(routes!(scrubbers::scrubbers))
        .routes(routes!(scrubbers::scrubber))
}

/// The API under `/api/v1`. Put [`crate::Remote`] on each request: without it all logins share one address.
pub fn router(state: ApiState) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .layer(from_fn_with_state(state.clone(), gate::pass))
        .layer(DefaultBodyLimit::max(API_BODY_BYTES))
        .layer(from_fn(problem::render))
        .with_state(state)
}

/// The OpenAPI document.
pub fn document() -> OpenApi {
    routes().split_for_parts().1
}

/// The document as it is committed at `docs/openapi.json` and served.
pub(crate) fn document_text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| document().to_pretty_json().unwrap_or_default() + "\n")
}
