//! That no request reaches an address that is not public.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use url::Url;

use super::super::resolver::{Found, Lookup};
use super::{OutgoingSettings, Scripted, get, http, install_provider, local, with};
use crate::runtime::outgoing::{Outgoing, OutgoingError};

/// Answers each question with the next of some lists.
struct Names {
    answers: Vec<Vec<&'static str>>,
    asked: AtomicUsize,
}

impl Lookup for Names {
    fn addresses<'a>(&'a self, _name: &'a str) -> Found<'a> {
        let n = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        let found: Vec<IpAddr> = self.answers[n].iter().map(|text| text.parse().expect("an address")).collect();
        Box::pin(std::future::ready(Ok(found)))
    }
}

#[tokio::test]
async fn a_name_without_an_address_says_so() {
    let (outgoing, _) = named(vec![vec![]], &OutgoingSettings::default());
    let error = outgoing.send(get(Url::parse("http://nowhere.test/").expect("a URL"))).await.expect_err("no answer");
    assert_eq!(error, OutgoingError::Dns("it has no address".into()));
}

fn named(answers: Vec<Vec<&'static str>>, settings: &OutgoingSettings) -> (Outgoing, Arc<Names>) {
    install_provider();
    let names = Arc::new(Names { answers, asked: AtomicUsize::new(0) });
    let lookup: Arc<dyn Lookup> = Arc::<Names>::clone(&names);
    (Outgoing::with_lookup(settings, &lookup).expect("a client"), names)
}

fn allow(range: &str) -> OutgoingSettings {
    OutgoingSettings { allow_egress: vec![range.parse().expect("a range")], ..OutgoingSettings::default() }
}

#[tokio::test]
async fn addresses_in_urls_are_checked_before_anything_is_sent() {
    let server = Scripted::new([http("200 OK", "", "")]).await;
    let port = server.address.port();
    let outgoing = with(&OutgoingSettings::default());
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1.", "[::1]", "[::ffff:127.0.0.1]", "0"] {
        let url = Url::parse(&format!("http://{host}:{port}/")).expect("a URL");
        let error = outgoing.send(get(url)).await.expect_err("a refusal");
        assert!(matches!(error, OutgoingError::Blocked(_)), "{host}: {error:?}");
        assert!(error.nothing_sent());
    }
    assert_eq!(server.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn a_name_of_a_closed_address_is_refused() {
    let (outgoing, _) = named(vec![vec!["10.0.0.1", "::1", "::ffff:127.0.0.1"]], &OutgoingSettings::default());
    let error = outgoing.send(get(Url::parse("http://inside.test/").expect("a URL"))).await.expect_err("a refusal");
    assert!(matches!(&error, OutgoingError::Blocked(text) if text.contains("10.0.0.1")), "{error:?}");
}

#[tokio::test]
async fn the_machine_s_own_name_is_refused() {
    let server = Scripted::new([http("200 OK", "", "")]).await;
    let url = Url::parse(&format!("http://localhost:{}/", server.address.port())).expect("a URL");
    let error = with(&OutgoingSettings::default()).send(get(url)).await.expect_err("a refusal");
    assert!(matches!(error, OutgoingError::Blocked(_)), "{error:?}");
    assert_eq!(server.requests(), Vec::<String>::new());
}

/// A name that answers first with an open and then with a closed address gets no connection to the closed one: each
/// connection is made to addresses that were themselves checked.
#[tokio::test]
async fn a_rebound_name_reaches_nothing() {
    let server = Scripted::new([http("200 OK", "connection: close\r\n", "")]).await;
    let url = Url::parse(&format!("http://rebind.test:{}/", server.address.port())).expect("a URL");
    // 127.0.0.1 plays the open address; the same server listens behind the closed one, were it let through.
    let (outgoing, names) = named(vec![vec!["127.0.0.1"], vec!["127.0.0.2"]], &allow("127.0.0.1/32"));
    outgoing.send(get(url.clone())).await.expect("an answer");
    let error = outgoing.send(get(url)).await.expect_err("a refusal");
    assert!(matches!(error, OutgoingError::Blocked(_)), "{error:?}");
    assert_eq!(names.asked.load(Ordering::SeqCst), 2);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn closed_addresses_beside_an_open_one_are_left_out() {
    let server = Scripted::new([http("200 OK", "", "")]).await;
    let url = Url::parse(&format!("http://mixed.test:{}/", server.address.port())).expect("a URL");
    let (outgoing, _) = named(vec![vec!["10.0.0.1", "127.0.0.1"]], &allow("127.0.0.1/32"));
    assert_eq!(outgoing.send(get(url)).await.expect("an answer").status, 200);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_goes_nowhere() {
    let inside = Scripted::new([http("200 OK", "", "secret")]).await;
    let location = format!("location: {}\r\n", inside.url("/"));
    let server = Scripted::new([http("302 Found", &location, "")]).await;
    let answer = local().send(get(server.url("/"))).await.expect("an answer");
    assert_eq!(answer.status, 302);
    assert_eq!(inside.requests(), Vec::<String>::new());
}

/// The proxy stands at a closed address and connects to whatever it likes; an address in the URL is still refused here.
#[tokio::test]
async fn a_proxy_is_reached_wherever_it_is() {
    let proxy = Scripted::new([http("200 OK", "", "by proxy")]).await;
    let outgoing = with(&OutgoingSettings { proxy: Some(proxy.url("/")), ..OutgoingSettings::default() });
    let answer = outgoing.send(get(Url::parse("http://far.test/path").expect("a URL"))).await.expect("an answer");
    assert_eq!(answer.body, "by proxy");
    assert!(proxy.requests()[0].starts_with("GET http://far.test/path HTTP/1.1\r\n"), "{:?}", proxy.requests());
    let inside = Url::parse("http://10.0.0.1/").expect("a URL");
    assert!(matches!(outgoing.send(get(inside)).await, Err(OutgoingError::Blocked(_))));
    assert_eq!(proxy.requests().len(), 1);
}

#[tokio::test]
async fn a_proxy_may_have_a_name() {
    let proxy = Scripted::new([http("200 OK", "", "by proxy")]).await;
    let url = Url::parse(&format!("http://proxy.test:{}", proxy.address.port())).expect("a URL");
    let settings = OutgoingSettings { proxy: Some(url), ..OutgoingSettings::default() };
    let (outgoing, _) = named(vec![vec!["127.0.0.1"]], &settings);
    let answer = outgoing.send(get(Url::parse("http://far.test/").expect("a URL"))).await.expect("an answer");
    assert_eq!(answer.body, "by proxy");
}
