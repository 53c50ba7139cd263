//! `s3-server FOLDER ADDRESS`: an S3 server to test with, as a process that can be killed. It prints its address. When its
//! standard input ends, which it does even when whoever started it is killed, it removes the folder and ends.

#![allow(clippy::unwrap_used)]

use std::io::Read;
use std::path::PathBuf;

use tokio::net::TcpListener;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap());
    let address = arguments.next().unwrap().into_string().unwrap();
    let listener = TcpListener::bind(&address).await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    let left = folder.clone();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = std::fs::remove_dir_all(left);
        std::process::exit(0);
    });
    media_store::s3_server::serve(&folder, listener).await;
}
