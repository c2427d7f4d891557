//! Who calls, as far as the server knows. Identities come with the mesh; until then every caller is the same.

use tonic::Request;

/// Who made a call, and what it is part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Name of the identity.
    pub principal: String,
    /// W3C trace context; empty when the caller sent none that is valid.
    pub traceparent: String,
}

impl Caller {
    /// The caller of a request.
    pub fn of<T>(request: &Request<T>) -> Self {
        let header = request.metadata().get("traceparent").and_then(|value| value.to_str().ok());
        let traceparent = header.filter(|value| is_traceparent(value)).unwrap_or_default().to_owned();
        Self { principal: "anonymous".to_owned(), traceparent }
    }

    /// Principal and traceparent.
    pub fn into_parts(self) -> (String, String) {
        (self.principal, self.traceparent)
    }
}

/// `00-<32 hex>-<16 hex>-<2 hex>`, the form that all versions share.
fn is_traceparent(value: &str) -> bool {
    let lengths = value.split('-').map(str::len);
    lengths.eq([2, 32, 16, 2]) && value.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_context_is_taken_over_and_anything_else_is_left_out() {
        let mut request = Request::new(());
        assert_eq!(Caller::of(&request).traceparent, "");
        let valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        request.metadata_mut().insert("traceparent", valid.parse().unwrap());
        assert_eq!(Caller::of(&request).traceparent, valid);
        request.metadata_mut().insert("traceparent", "00-zz-b7-01".parse().unwrap());
        assert_eq!(Caller::of(&request).traceparent, "");
    }
}
