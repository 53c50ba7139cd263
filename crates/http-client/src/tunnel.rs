//! Two connections that have left HTTP, as one (RFC 9110 §7.8).

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What is held of one direction at once.
const PIECE: usize = 16 << 10;
/// Both sides are told of the end within this, or not at all.
const FAREWELL: Duration = Duration::from_secs(1);

/// How a tunnel has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TunnelEnd {
    /// Both sides have said all that they had to say.
    Finished,
    /// One of them broke off, or never left HTTP.
    Broken,
    /// Neither said anything for too long.
    Silent,
    /// The caller has cut it.
    Cut,
}

/// Takes to each side what the other one says, as it comes, until both have ended, one breaks off, `cut` resolves, or nothing moves
/// for `silence` (and twice that at most). When it returns, both have been told that nothing more comes.
pub async fn tunnel(
    client: OnUpgrade,
    server: OnUpgrade,
    silence: Duration,
    cut: impl Future<Output = ()>,
) -> TunnelEnd {
    let left = async { tokio::try_join!(client, server) };
    let Ok(Ok((client, server))) = tokio::time::timeout(silence, left).await else { return TunnelEnd::Broken };
    let (mut from_client, mut to_client) = tokio::io::split(TokioIo::new(client));
    let (mut from_server, mut to_server) = tokio::io::split(TokioIo::new(server));
    let moved = AtomicU64::new(0);
    let both = async {
        tokio::try_join!(copy(&mut from_client, &mut to_server, &moved), copy(&mut from_server, &mut to_client, &moved))
    };
    let end = tokio::select! {
        ended = both => if ended.is_ok() { TunnelEnd::Finished } else { TunnelEnd::Broken },
        () = stillness(&moved, silence) => TunnelEnd::Silent,
        () = cut => TunnelEnd::Cut,
    };
    let farewell = async { tokio::join!(to_client.shutdown(), to_server.shutdown()) };
    // Who has gone already need not be told.
    let _ = tokio::time::timeout(FAREWELL, farewell).await;
    end
}

async fn copy<R, W>(from: &mut R, to: &mut W, moved: &AtomicU64) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut piece = vec![0; PIECE];
    loop {
        let read = from.read(&mut piece).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        moved.fetch_add(1, Ordering::Relaxed);
        to.write_all(&piece[..read]).await?;
        to.flush().await?;
        moved.fetch_add(1, Ordering::Relaxed);
    }
}

/// Resolves once nothing has moved for so long.
async fn stillness(moved: &AtomicU64, silence: Duration) {
    loop {
        let before = moved.load(Ordering::Relaxed);
        tokio::time::sleep(silence).await;
        if moved.load(Ordering::Relaxed) == before {
            return;
        }
    }
}
