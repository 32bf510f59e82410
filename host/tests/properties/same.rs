//! What otlet gave and what the model gave, compared. Their types differ and are written the same.

use std::fmt::Debug;

use otlet_plugin::{Signal, testing::Request};

/// Both went well with the same result, or both were a misuse.
pub(crate) trait Same {
    fn written(&self) -> String;
}

impl<T: Debug, E: Debug> Same for Result<T, E> {
    /// The texts of misuses are everyone's own.
    fn written(&self) -> String {
        self.as_ref()
            .map_or_else(|_| "a misuse".to_owned(), |value| format!("{value:?}"))
    }
}

/// Fails unless both are the same; gives back that of the host.
pub(crate) fn same<'a, H: Same + Debug, M: Same + Debug>(
    host: &'a H,
    model: &M,
    what: &str,
) -> &'a H {
    let (of_host, of_model) = (host.written(), model.written());
    assert!(
        of_host == of_model,
        "{what}\n host: {host:?}\nmodel: {model:?}"
    );
    host
}

/// Both are the same request. Encoded again and as text, since NaN is not equal to itself.
pub(crate) fn same_request(signal: Signal, host: &[u8], model: &[u8]) {
    let host = without_empty(Request::from_protobuf(signal, host).unwrap());
    let model = without_empty(Request::from_protobuf(signal, model).unwrap());
    if host.to_protobuf() == model.to_protobuf() {
        return;
    }
    let (host, model) = (format!("{host:#?}"), format!("{model:#?}"));
    let at = host
        .lines()
        .zip(model.lines())
        .position(|(host, model)| host != model);
    let around = |text: &str| {
        let at = at.unwrap_or(text.lines().count());
        let lines: Vec<_> = text.lines().skip(at.saturating_sub(12)).take(24).collect();
        lines.join("\n")
    };
    panic!(
        "the requests differ\nhost:\n{}\nmodel:\n{}",
        around(&host),
        around(&model)
    );
}

/// Without resources, scopes and statuses in which nothing is set: an edit that made one and another that took away what was
/// in it may leave it or not.
fn without_empty(mut request: Request) -> Request {
    fn prune<T: Default + PartialEq>(message: &mut Option<T>) {
        message.take_if(|message| *message == T::default());
    }
    match &mut request {
        Request::Traces(request) => {
            for resource in &mut request.resource_spans {
                prune(&mut resource.resource);
                for scope in &mut resource.scope_spans {
                    prune(&mut scope.scope);
                    scope
                        .spans
                        .iter_mut()
                        .for_each(|span| prune(&mut span.status));
                }
            }
        }
        Request::Metrics(request) => {
            for resource in &mut request.resource_metrics {
                prune(&mut resource.resource);
                resource
                    .scope_metrics
                    .iter_mut()
                    .for_each(|scope| prune(&mut scope.scope));
            }
        }
        Request::Logs(request) => {
            for resource in &mut request.resource_logs {
                prune(&mut resource.resource);
                resource
                    .scope_logs
                    .iter_mut()
                    .for_each(|scope| prune(&mut scope.scope));
            }
        }
    }
    request
}
