//! Backends that are gone, and who finds out.

use super::*;
use crate::serve::checks::Checks;

/// Waits until something holds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, waiting).await.unwrap_or_else(|_| panic!("{what}"));
}

fn first_choices(world: &World) -> BTreeSet<SocketAddr> {
    let to = ([10, 96, 0, 1].into(), Protocol::Tcp, Port::new(80).unwrap());
    let pick = |_| world.balancer.pick(([127, 0, 0, 1], 9).into(), to)?.backends.first().copied();
    (0..8).filter_map(pick).collect()
}

#[tokio::test]
async fn checks_find_the_dead_before_clients_do_and_see_them_return() {
    let (alive, dead) = (Echo::start().await, nobody());
    let world = World::new(&[dead, alive.addr], Limits::default());
    assert_eq!(first_choices(&world).len(), 2);
    let _checks =
        Checks::start(&world.balancer, Duration::from_millis(20), Duration::from_millis(500));
    until("it is left out", || first_choices(&world) == [alive.addr].into()).await;
    for _ in 0..6 {
        assert_eq!(world.ask().await.unwrap(), alive.addr);
    }
    assert_eq!(world.counted(|c| c.retries.get()), 0, "no client has met it");
    let back = TcpListener::bind(dead).await.unwrap();
    until("it is taken in again", || first_choices(&world).len() == 2).await;
    drop(back);
}

#[tokio::test]
async fn all_are_tried_when_all_were_left_out() {
    let dead = [nobody(), nobody()];
    let world = World::new(&dead, Limits::default());
    for _ in 0..4 {
        assert!(world.ask().await.is_err());
    }
    assert_eq!(first_choices(&world).len(), 2, "as if none were");
    let _back = TcpListener::bind(dead[1]).await.unwrap();
    let stream = TcpStream::connect(world.listen).await.unwrap();
    until("it is reached", || world.counted(|c| c.connections.get()) == 1).await;
    drop(stream);
}

#[tokio::test]
async fn a_client_that_vanishes_takes_its_backend_connection_along() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let world = World::new(&[listener.local_addr().unwrap()], Limits::default());
    for reset in [true, false] {
        let client = TcpStream::connect(world.listen).await.unwrap();
        let (mut backend, _) = listener.accept().await.unwrap();
        if reset {
            client.set_zero_linger().unwrap();
        }
        drop(client);
        let heard = timeout(SOON, backend.read(&mut [0; 8])).await.unwrap();
        assert_eq!(heard.is_err(), reset, "a reset stays one, an end stays one: {heard:?}");
    }
    until("both have ended", || world.listeners.connections() == 0).await;
}
