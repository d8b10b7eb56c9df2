//! Where the bot may send what it knows: by TLS to named hosts, or in clear to this machine alone.

use url::{Host, Url};

/// The API's address, in one spelling.
/// # Errors
/// What is wrong with it, to be read behind its key.
pub(super) fn api(text: &str) -> Result<String, &'static str> {
    let url = Url::parse(text).ok().filter(Url::has_host).ok_or("is not a URL: write \"https://slack.com/api\", or leave it out")?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("is a scheme, a host and a path, and nothing else: write \"https://slack.com/api\"");
    }
    match url.scheme() {
        "https" => {}
        "http" if is_local(&url) => {}
        "http" => return Err("would send tokens in clear over a network: write https (http only to a loopback address)"),
        _ => return Err("must begin with https://, or with http:// on a loopback address"),
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
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
