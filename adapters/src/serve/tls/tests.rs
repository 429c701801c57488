//! Certificates by server name, as a TLS client sees them.

use super::*;
use svckit::{
    Seed,
    ingress::{ClassSelection, Router, Settings},
    model::*,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, pki_types::ServerName},
};

/// Routes with `n/web-tls` for `shop.example.com` and `*.shop.example.com`, and nothing good for `odd.example.com`.
fn routes(certificate: &str, key: &str) -> Arc<ArcSwap<Routes>> {
    let secret = |name: &str, certificate: &str, key: &str| {
        Change::Secret(Arc::new(TlsSecret {
            key: NamespacedName::new("n", name),
            certificate: certificate.into(),
            private_key: key.into(),
        }))
    };
    let tls = |hosts: &[&str], secret: &str| IngressTls {
        hosts: hosts.iter().map(|host| Arc::from(*host)).collect(),
        secret: Some(secret.into()),
    };
    let mut router = Router::new(Settings::default(), ClassSelection::default(), Seed([1; 4]));
    router.apply(&secret("web-tls", certificate, key));
    router.apply(&secret(
        "odd-tls",
        certificate,
        "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n",
    ));
    router.apply(&Change::Ingress(Arc::new(Ingress {
        key: NamespacedName::new("n", "web"),
        created: 0,
        uid: "".into(),
        class: None,
        default_backend: None,
        rules: vec![],
        tls: vec![
            tls(&["shop.example.com", "*.shop.example.com"], "web-tls"),
            tls(&["odd.example.com"], "odd-tls"),
        ],
        annotations: vec![],
    })));
    Arc::new(ArcSwap::new(router.routes()))
}

/// A handshake with a client that trusts this certificate only; what the server then says.
async fn meet(
    certificates: &Arc<Certificates>,
    trusted: &str,
    name: &str,
) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (ours, theirs) = duplex(65_536);
    let acceptor = certificates.acceptor();
    tokio::spawn(async move {
        let Ok(mut stream) = acceptor.accept(theirs).await else { return };
        stream.write_all(b"hello").await.unwrap();
        stream.shutdown().await.unwrap();
    });
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, ours).await?;
    let mut said = String::new();
    stream.read_to_string(&mut said).await?;
    Ok(said)
}

#[tokio::test]
async fn the_server_name_chooses_the_certificate() {
    let names = ["shop.example.com".to_owned(), "*.shop.example.com".into()];
    let shop = Made::new(&names);
    let authority = Arc::new(Authority::new().unwrap());
    let other = authority.certificate();
    let routes = routes(&shop.certificate, &shop.key);
    let certificates = Arc::new(Certificates::new(routes.clone(), Fallback::Authority(authority)));
    let cases = [
        ("its own", "shop.example.com", &shop.certificate, true),
        ("by wildcard", "api.shop.example.com", &shop.certificate, true),
        ("not two labels", "a.b.shop.example.com", &shop.certificate, false),
        ("a key that can't be read", "odd.example.com", &other, true),
        ("unknown", "else.example.com", &other, true),
    ];
    for (name, server, trusted, good) in cases {
        let met = meet(&certificates, trusted, server).await;
        assert_eq!(met.is_ok_and(|said| said == "hello"), good, "{name}");
    }
    // Without a default, nothing is shown.
    let certificates = Arc::new(Certificates::new(routes, Fallback::None));
    assert!(meet(&certificates, &shop.certificate, "else.example.com").await.is_err());
    assert!(certificates.find(None).is_none());
    let unusable: Vec<_> = certificates.unusable().into_iter().map(|(key, _)| key).collect();
    assert_eq!(unusable, [NamespacedName::new("n", "odd-tls")]);
}

/// A certificate and its key in PEM.
struct Made {
    certificate: String,
    key: String,
}

impl Made {
    fn new(names: &[String]) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let made = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        Self { certificate: made.pem(), key: key.serialize_pem() }
    }
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let (one, two) = (Made::new(&["a".into()]), Made::new(&["a".into()]));
    assert!(Identity::from_pem(&one.certificate, &one.key).is_ok());
    let wrong = Identity::from_pem(&one.certificate, &two.key);
    assert!(matches!(wrong, Err(BadCertificate::Pair(_))), "{wrong:?}");
    assert!(matches!(Identity::from_pem("x", &one.key), Err(BadCertificate::Pair(_))));
    assert!(matches!(Identity::from_pem(&one.certificate, "x"), Err(BadCertificate::Pem(_))));
}
