//! A request as its origin gets it, and what sending it needs to know.

use super::{Call, RequestBody, head};
use crate::upstream::{Message, Route, Upload};
use hyper::body::Body;
use hyper::header::{CONTENT_LENGTH, HOST, HeaderValue};
use hyper::{Method, Request, Uri, Version};

impl Call {
    /// Who asked, and how, for the origin.
    pub(super) fn told(&self) -> head::Asked<'_> {
        let connection = &self.tail.connection;
        head::Asked {
            client: self.tail.exchange.client,
            peer: connection.peer.remote.ip(),
            peer_text: &connection.peer_text,
            trusted: connection.trusted,
            tls: connection.peer.tls.is_some(),
            host: &self.host,
            plain: self.tail.court.sits() && self.site.config.waf.responses,
        }
    }

    /// The request as the origin gets it.
    pub(super) fn outgoing(&self, body: RequestBody) -> Message {
        let (upstream, parts) = (&self.site.upstream, &self.tail.parts);
        if upstream.http2 {
            return Message::Http2(Some(Box::new(self.outgoing_http2(body, upstream.secure()))));
        }
        let (method, mut head) = (&parts.method, head::first_line(&parts.method, &parts.uri));
        head::onward(&parts.headers, &self.told(), |name, value| head::line(&mut head, name, value));
        let told = parts.headers.contains_key(CONTENT_LENGTH);
        let empty = body.is_end_stream();
        if !told && !empty {
            head.extend_from_slice(b"transfer-encoding: chunked\r\n");
        } else if !told && matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
            // RFC 9110 §8.6: the meaning of these methods foresees content.
            head.extend_from_slice(b"content-length: 0\r\n");
        }
        head.extend_from_slice(b"\r\n");
        Message::Http1(Upload::new(head, body, !told, method))
    }

    fn outgoing_http2(&self, body: RequestBody, secure: bool) -> Request<RequestBody> {
        let (parts, mut request) = (&self.tail.parts, Request::new(body));
        let headers = request.headers_mut();
        head::onward(&parts.headers, &self.told(), |name, value| {
            if let Ok(value) = HeaderValue::from_bytes(value)
                && *name != HOST
            {
                headers.append(name, value);
            }
        });
        let mut target = hyper::http::uri::Parts::default();
        let scheme = if secure { hyper::http::uri::Scheme::HTTPS } else { hyper::http::uri::Scheme::HTTP };
        target.scheme = Some(scheme);
        target.authority = self.host.to_str().ok().and_then(|host| host.parse().ok());
        target.path_and_query = parts.uri.path_and_query().cloned().or_else(|| "/".parse().ok());
        *request.uri_mut() = Uri::from_parts(target).unwrap_or_default();
        *request.version_mut() = Version::HTTP_2;
        *request.method_mut() = parts.method.clone();
        request
    }

    pub(super) fn route(&self) -> Route {
        let (connection, parts) = (&self.tail.connection, &self.tail.parts);
        Route {
            client: self.tail.exchange.client,
            worker: connection.worker,
            answer: self.site.config.timeouts.answer,
            now: connection.shared.clock.monotonic(),
            sent: self.tail.progress.clone(),
            idempotent: parts.method.is_idempotent(),
            interim: (parts.version == Version::HTTP_11).then(|| connection.io.clone()),
        }
    }
}
