//! Where the bot may send what it knows: by TLS to named hosts, or in clear to this machine alone.

use url::{Host, Url};

/// How one address of a chat is written.
pub(super) struct Form {
    /// The scheme over TLS, and the one in clear.
    pub(super) tls: &'static str,
    pub(super) clear: &'static str,
    pub(super) may_have_path: bool,
    pub(super) example: &'static str,
}

/// An address of this form, in one spelling: without a slash at its end.
/// # Errors
/// What is wrong with it, to be read behind its key. Never says what stands there: that may hold a password.
pub(super) fn address(text: &str, form: &Form) -> Result<String, String> {
    let Form { tls, clear, may_have_path, example } = form;
    let how = || format!("is not a URL: write \"{example}\", or leave it out");
    let url = Url::parse(text).ok().filter(Url::has_host).ok_or_else(how)?;
    let is_bare = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    if !is_bare || !(*may_have_path || matches!(url.path(), "" | "/")) {
        let parts = if *may_have_path { "a scheme, a host and a path" } else { "a scheme and a host" };
        return Err(format!("is {parts}, and nothing else: write \"{example}\""));
    }
    match url.scheme() {
        scheme if scheme == *tls => {}
        scheme if scheme == *clear && is_local(&url) => {}
        scheme if scheme == *clear => {
            return Err(format!("would send tokens in clear over a network: write {tls} ({clear} only to a loopback address)"));
        }
        _ => return Err(format!("must begin with {tls}://, or with {clear}:// on a loopback address")),
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Whether an address of the configuration is one of this machine's.
pub(super) fn is_on_this_machine(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| is_local(&url))
}

/// A host that answers may be sent to, in one spelling.
/// # Errors
/// What is wrong with it, to be read behind it.
pub(super) fn host(text: &str) -> Result<String, &'static str> {
    const HOW: &str = "is not a host: write \"hooks.slack.com\", or \"127.0.0.1:8080\" for a server on this machine";
    let bare = !text.contains(['/', '@', '?', '#', '\\']) && !text.contains("://");
    let url = Url::parse(&format!("https://{text}")).ok().filter(|_| bare).ok_or(HOW)?;
    let host = url.host_str().ok_or(HOW)?;
    if is_local(&url) {
        return Ok(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")));
    }
    if text.contains(':') {
        return Err("has a port, which only a server on this machine may have: write the host alone");
    }
    if matches!(url.host(), Some(Host::Domain(name)) if name.contains('.')) { Ok(host.to_owned()) } else { Err(HOW) }
}

/// Whether this URL is one of a listed host's: https, without a name or a password in it, on the usual port; on this machine
/// also http and the port that is listed.
pub(super) fn listed(url: &Url, hosts: &[String]) -> bool {
    if !url.username().is_empty() || url.password().is_some() {
        return false;
    }
    let Some(host) = url.host_str() else { return false };
    let local = is_local(url);
    let place = match url.port() {
        Some(port) if local => format!("{host}:{port}"),
        Some(_) => return false,
        None => host.to_owned(),
    };
    (url.scheme() == "https" || (local && url.scheme() == "http")) && hosts.contains(&place)
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
