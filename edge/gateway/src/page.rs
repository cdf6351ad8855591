//! Answers of our own: small pages in the reader's language, with a number by which a person can name the request.

use crate::proxy::Answer;
use base::{Lang, Random};
use bytes::Bytes;
use hyper::header::{
    ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
};
use hyper::{HeaderMap, Response, StatusCode};

/// How the client wants to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    lang: Lang,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Html,
    Json,
    /// A failed call is status 200 with the code in a header (gRPC over HTTP/2, "Trailers-Only").
    Grpc,
}

impl Form {
    pub(crate) fn lang(self) -> Lang {
        self.lang
    }

    pub(crate) fn of(headers: &HeaderMap) -> Form {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
        let accept = text(ACCEPT);
        let kind = if is_grpc(headers) {
            Kind::Grpc
        } else if accept.contains("json") && !accept.contains("text/html") {
            Kind::Json
        } else {
            Kind::Html
        };
        Form { lang: Lang::from_tag(text(ACCEPT_LANGUAGE)), kind }
    }
}

/// Whether the content is a stream of gRPC messages.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// A number by which a person can name a request.
pub(crate) fn reference(random: &dyn Random) -> String {
    let mut bytes = [0; 6];
    random.fill(&mut bytes);
    hex::encode(bytes)
}

/// The text of a status.
fn title(status: StatusCode, lang: Lang) -> &'static str {
    let (en, zh) = match status.as_u16() {
        400 => ("The request is not valid HTTP", "请求不符合 HTTP 规范"),
        403 => ("The request was refused", "请求已被拦截"),
        404 | 421 => ("No site of this name is served here", "此处没有该名称的站点"),
        405 => ("The method is not allowed", "不允许使用该请求方法"),
        408 => ("The request came too slowly", "请求发送过慢"),
        413 => ("The request is too large", "请求过大"),
        429 => ("Too many requests", "请求过于频繁"),
        431 => ("The head of the request is too large", "请求头过大"),
        502 => ("The service behind gives no valid answer", "后端服务没有返回有效响应"),
        503 => ("The service is not available now", "服务暂时不可用"),
        504 => ("The service behind does not answer in time", "后端服务响应超时"),
        _ if status.is_client_error() => ("The request was refused", "请求已被拒绝"),
        _ => ("The request failed", "请求失败"),
    };
    lang.pick(en, zh)
}

/// A page.
pub(crate) fn page(status: StatusCode, form: Form, reference: &str) -> Response<Answer> {
    let title = title(status, form.lang);
    let (kind, body) = match form.kind {
        Kind::Html => ("text/html; charset=utf-8", html(status, title, form.lang, reference)),
        Kind::Json => {
            let body = serde_json::json!({"status": status.as_u16(), "title": title, "reference": reference});
            ("application/problem+json", body.to_string())
        }
        Kind::Grpc => ("application/grpc", String::new()),
    };
    let mut response = Response::new(Answer::fixed(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(form.lang.pick("en", "zh")));
    if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
    }
    if form.kind == Kind::Grpc {
        // Codes of gRPC: 7 permission denied, 8 resource exhausted, 14 unavailable.
        let code = match status.as_u16() {
            413 | 429 => "8",
            500.. => "14",
            _ => "7",
        };
        headers.insert(HeaderName::from_static("grpc-status"), HeaderValue::from_static(code));
        *response.status_mut() = StatusCode::OK;
    }
    response
}

fn html(status: StatusCode, title: &str, lang: Lang, reference: &str) -> String {
    let number = lang.pick("Reference", "编号");
    let help = lang.pick(
        "If you think this is a mistake, tell the operator of the site this number.",
        "如果您认为这是误判，请将此编号告知网站管理员。",
    );
    let more = match reference {
        "" => String::new(),
        reference => format!("<p>{number}: <code>{reference}</code></p><p>{help}</p>"),
    };
    format!(
        "<!doctype html><html lang=\"{}\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>body{{font:16px/1.6 system-ui,sans-serif;max-width:36em;margin:15vh auto;padding:0 1em;\
         color:#222}}code{{font-size:1.1em}}</style><h1>{title}</h1><p>HTTP {}</p>{more}</html>\n",
        lang.pick("en", "zh"),
        status.as_u16(),
    )
}

/// The whole answer to a connection whose framing is refused, as bytes of HTTP/1.1: no parser of ours read its request.
pub(crate) fn raw(status: u16, reference: &str) -> Vec<u8> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let body = html(status, title(status, Lang::En), Lang::En, reference);
    let reason = status.canonical_reason().unwrap_or_default();
    format!(
        "HTTP/1.1 {} {reason}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
         connection: close\r\n\r\n{body}",
        status.as_u16(),
        body.len()
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_page_is_in_the_form_that_was_asked_for() {
        let form = Form::of(&headers(&[("accept-language", "zh-CN,zh;q=0.9"), ("accept", "text/html,*/*")]));
        let answer = page(StatusCode::FORBIDDEN, form, "a1");
        assert_eq!(answer.headers()[CONTENT_LANGUAGE], "zh");
        assert_eq!(answer.status(), 403);
        let form = Form::of(&headers(&[("accept", "application/json")]));
        assert_eq!(page(StatusCode::FORBIDDEN, form, "a1").headers()[CONTENT_TYPE], "application/problem+json");
        let form = Form::of(&headers(&[("content-type", "application/grpc+proto")]));
        let answer = page(StatusCode::FORBIDDEN, form, "a1");
        assert_eq!((answer.status().as_u16(), answer.headers()["grpc-status"].as_bytes()), (200, &b"7"[..]));
    }

    #[test]
    fn the_raw_answer_is_whole() {
        let text = String::from_utf8(raw(431, "a1")).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
        assert!(head.contains(&format!("content-length: {}", body.len())));
        assert!(body.contains("a1"));
    }
}
