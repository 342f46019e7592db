//! The zips in the bucket: uploaded once, because their keys follow from their content.

use std::{cell::Cell, fs};

use aws_sdk_s3::{
    operation::head_object::HeadObjectOutput,
    primitives::ByteStream,
    types::{ChecksumAlgorithm, Tag, Tagging},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use futures_util::future::try_join_all;
use sha2::{Digest, Sha256};

use crate::{
    Failure,
    failure::{code, failure},
    source::{Artifact, unhex},
    target::Target,
};

/// The tag of what no stack uses any more; the bucket's lifecycle deletes what has it.
pub(crate) const SUPERSEDED: &str = "superseded";

/// Uploads what is not in the bucket yet, all at once; answers how many bytes that were.
///
/// # Errors
/// When a zip cannot be read, is not what the manifest says, or cannot be uploaded.
pub(crate) async fn upload(target: &Target, bucket: &str, artifacts: &[Artifact]) -> Result<u64, Failure> {
    let missing = try_join_all(artifacts.iter().map(|artifact| async move {
        let there = head(target, bucket, &artifact.key()).await?;
        // What is marked as superseded would be deleted one day: uploaded anew, it has no mark.
        let there = there.is_some_and(|there| there.tag_count().unwrap_or(0) == 0);
        Ok((!there).then_some(artifact))
    }));
    let missing: Vec<_> = missing.await?.into_iter().flatten().collect();
    if missing.is_empty() {
        return Ok(0);
    }
    let bytes: u64 = missing.iter().map(|artifact| artifact.size).sum();
    let count = missing.len();
    eprintln!("uploading {count} of {} zips, {}", artifacts.len(), megabytes(bytes));
    let done = Cell::new(0);
    try_join_all(missing.iter().map(|artifact| async {
        put_zip(target, bucket, artifact).await?;
        done.set(done.get() + 1);
        eprintln!("  uploaded {}, {} ({} of {count})", artifact.function, megabytes(artifact.size), done.get());
        Ok::<(), Failure>(())
    }))
    .await?;
    Ok(bytes)
}

/// What the bucket says about an object; nothing when there is none.
///
/// # Errors
/// When S3 does not say.
pub(crate) async fn head(target: &Target, bucket: &str, key: &str) -> Result<Option<HeadObjectOutput>, Failure> {
    let request = target.aws.s3().head_object().bucket(bucket).key(key).expected_bucket_owner(&target.account);
    match request.send().await {
        Ok(there) => Ok(Some(there)),
        Err(error) if matches!(code(&error), "NotFound" | "NoSuchKey") => Ok(None),
        Err(error) => {
            Err(failure(&error, &format!("cannot look for s3://{bucket}/{key} (s3:GetObject, s3:ListBucket)")))
        }
    }
}

async fn put_zip(target: &Target, bucket: &str, artifact: &Artifact) -> Result<(), Failure> {
    let Artifact { file, sha256, function, .. } = artifact;
    let rebuild = "make it again with `cargo xtask build`";
    let bytes =
        fs::read(file).map_err(|error| Failure::new(format!("cannot read {}: {error}", file.display()), rebuild))?;
    if unhex(sha256).as_deref() != Some(&Sha256::digest(&bytes)[..]) {
        let message = format!("{} is not what the manifest says: {function} was built anew since", file.display());
        return Err(Failure::new(message, rebuild));
    }
    put(target, bucket, &artifact.key(), bytes).await
}

/// Puts an object; S3 refuses it when its SHA-256 is not what was sent.
///
/// # Errors
/// When it cannot be uploaded.
pub(crate) async fn put(target: &Target, bucket: &str, key: &str, bytes: Vec<u8>) -> Result<(), Failure> {
    let sha256 = BASE64.encode(Sha256::digest(&bytes));
    let request = target.aws.s3().put_object().bucket(bucket).key(key).expected_bucket_owner(&target.account);
    let request = request.checksum_algorithm(ChecksumAlgorithm::Sha256).checksum_sha256(sha256);
    let sent = request.body(ByteStream::from(bytes)).send().await;
    sent.map_err(|error| failure(&error, &format!("cannot upload s3://{bucket}/{key} (s3:PutObject)")))?;
    Ok(())
}

/// Marks what a deployment replaced, so that it expires. What cannot be marked stays, and costs a little: no reason to fail.
pub(crate) async fn supersede(target: &Target, bucket: &str, keys: &[&str]) {
    for key in keys {
        let tag = Tag::builder().key(SUPERSEDED).value("true").build();
        let Ok(tagging) = tag.and_then(|tag| Tagging::builder().tag_set(tag).build()) else { continue };
        let request = target.aws.s3().put_object_tagging().bucket(bucket).key(*key).tagging(tagging);
        if let Err(error) = request.expected_bucket_owner(&target.account).send().await {
            let failure = failure(&error, &format!("s3://{bucket}/{key} stays, it could not be marked as superseded"));
            eprintln!("{}", failure.message);
        }
    }
}

/// A size as people read it.
pub(crate) fn megabytes(bytes: u64) -> String {
    if bytes < 100_000 { format!("{:.1} KB", bytes as f64 / 1e3) } else { format!("{:.1} MB", bytes as f64 / 1e6) }
}
