//! `--ca-file`: the real client trusts the real server's certificate because of the authority it is told of, and for no
//! other reason; who is told of ticks may be of the system's authorities, too.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::Value;

use crate::killable::Killable;
#[cfg(target_os = "linux")]
use crate::reconcile::Repository;
#[cfg(target_os = "linux")]
use crate::rig::Rig;
use crate::stories::BASE;
use crate::support::Project;
use crate::world::SECRETS;

/// An authority: its certificate (PEM) and what it signs with.
fn authority(name: &str) -> (String, Issuer<'static, KeyPair>) {
    let mut parameters = CertificateParams::new(Vec::new()).expect("no names");
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let certificate = parameters.self_signed(&key).expect("a certificate");
    (certificate.pem(), Issuer::new(parameters, key))
}

/// Two authorities, `ours.pem` and `theirs.pem`, and a certificate of this machine's by ours.
fn write_certificates(project: &Project) {
    let (ours, issuer) = authority("ours");
    let key = KeyPair::generate().expect("a key");
    let parameters = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
    let certificate = parameters.signed_by(&key, &issuer).expect("a certificate");
    project.write("ours.pem", &ours);
    project.write("theirs.pem", &authority("theirs").0);
    project.write("cert.pem", &certificate.pem());
    project.write("key.pem", &key.serialize_pem());
}

/// A server with that certificate.
fn start_server(project: &Project) -> Killable {
    let tls = ["cert.pem", "key.pem"].map(|file| project.join(file).to_string_lossy().into_owned());
    Killable::start_with(&project.join("data"), &["--tls-cert", &tls[0], "--tls-key", &tls[1]])
}

/// The systems that take the system's authorities from a file that the environment names.
#[cfg(target_os = "linux")]
#[test]
fn who_is_told_is_trusted_by_that_authority_or_one_of_the_system_s() {
    let mut rig = Rig::with(BASE);
    write_certificates(&rig.project);
    let server = start_server(&rig.project);
    let repository = Repository::of(&rig);
    let repository_url = repository.url();
    rig.project.set("GITHUB_TOKEN", "the-token");
    let git = ["reconcile", "--once", "--git", &repository_url, "--path", "acme"];
    // What answers is no GitHub, and says so: it was spoken to.
    let answered = |rig: &Rig, authorities: &str, state: &str| {
        let hub = ["--github-repository", "acme/configuration", "--github-api-url", &server.url];
        let run = rig.project.ok(&[&git[..], &hub, &["--ca-file", authorities, "--state-dir", state]].concat());
        assert!(run.err.contains("GitHub answered 404"), "{authorities}: {}", run.err);
    };
    rig.project.set("SSL_CERT_FILE", "theirs.pem");
    answered(&rig, "ours.pem", "one");
    rig.project.set("SSL_CERT_FILE", "ours.pem");
    answered(&rig, "theirs.pem", "two");
    let run = rig.project.run(&["reconcile", "--once", "--github-repository", "acme/a", "--ca-file", "manifests.yaml"]);
    assert_eq!(run.code, 3, "{}", run.err);
    assert!(run.err.contains("there is no certificate in"), "{}", run.err);
}

#[test]
fn a_server_is_trusted_by_the_authority_that_is_named() {
    let mut project = Project::in_memory();
    write_certificates(&project);
    let make = ["keys", "create", "--data", "data", "--project", "acme", "--name", "ci", "-o", "json"];
    let scopes = ["--scope", "config:read", "--scope", "config:write", "--scope", "publish"];
    let key: Value = serde_json::from_str(&project.ok(&[&make[..], &scopes].concat()).out).expect("JSON");
    let server = start_server(&project);
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    let target = |url: &str| {
        format!(
            "apiVersion: trueup/v1\nkind: Project\nmetadata: {{ name: acme }}\nspec:\n  targets:\n    live: \
             {{ server: {{ url: \"{url}\", clientId: {}, clientSecret: {{ fromEnv: KEY }} }} }}\n",
            key["client_id"]
        )
    };
    let secret = key["client_secret"].as_str().expect("a secret");
    project.set("KEY", secret);
    for name in SECRETS {
        project.set(name, "content");
    }
    project.write("trueup.yaml", &target(&server.url));
    project.write("manifests.yaml", BASE);

    let failed = |arguments: &[&str], code: i32, text: &str| {
        let run = project.run(arguments);
        assert_eq!(run.code, code, "{arguments:?}: {}", run.err);
        assert!(run.err.contains(text), "{arguments:?}: {}", run.err);
        assert!(!run.err.contains(secret), "{}", run.err);
    };
    let unknown = "its certificate is of an authority that is not trusted; --ca-file names one that is";
    failed(&["plan"], 1, unknown);
    failed(&["plan", "--ca-file", "theirs.pem"], 1, unknown);
    failed(&["plan", "--ca-file", "none.pem"], 1, "none.pem");
    failed(&["plan", "--ca-file", "manifests.yaml"], 3, "there is no certificate in");
    let serve = ["serve", "--data", "other", "--listen", "127.0.0.1:0", "--ca-file", "manifests.yaml"];
    failed(&serve, 3, "there is no certificate in");
    // A name that the certificate does not have.
    project.write("trueup.yaml", &target(&server.url.replace("127.0.0.1", "localhost")));
    failed(&["plan", "--ca-file", "ours.pem"], 1, "invalid peer certificate");
    project.write("trueup.yaml", &target(&server.url));
    project.ok(&["apply", "-y", "--ca-file", "ours.pem"]);
    project.set("TRUEUP_CA_FILE", "ours.pem");
    assert!(project.ok(&["plan"]).out.ends_with("No changes.\n"));
}
