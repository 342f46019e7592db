//! The zips in the bucket: uploaded once, because their keys follow from their content.
//!
//! A key's name proves nothing about the bytes below it. An object is used only when the SHA-256 that S3 keeps of its bytes
//! is the zip's, and an object that exists is never overwritten.

use std::cell::Cell;

use aws_lc_rs::digest;
use aws_sdk_s3::{
    operation::head_object::HeadObjectOutput,
    primitives::ByteStream,
    types::{ChecksumAlgorithm, ChecksumMode, Tag, Tagging},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use futures_util::future::try_join_all;

use crate::{
    Failure, calls,
    failure::{code, failure},
    source::Artifact,
    target::Target,
    text::printable,
};

/// The tag of what no stack uses any more; the bucket's lifecycle deletes what has it.
pub(crate) const SUPERSEDED: &str = "superseded";

/// An object whose bytes are known by the checksum that S3 keeps of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    version: String,
    /// The SHA-256 of the bytes in base64; none where the object was written without it.
    sha256: Option<String>,
    /// The object has a tag, as one has that no deployment uses.
    tagged: bool,
}

/// The zips in the bucket, each in a version whose bytes are known.
pub(crate) struct Provided {
    /// The versions of the objects, in the order of the zips.
    versions: Vec<String>,
    /// The number of bytes that were uploaded.
    pub(crate) uploaded: u64,
}

/// Uploads the zips that the bucket does not have yet, and verifies that each object holds its zip.
///
/// # Errors
/// When a zip cannot be read or differs from the manifest, cannot be uploaded, or an object holds other bytes.
pub(crate) async fn provide(target: &Target, bucket: &str, artifacts: &[Artifact]) -> Result<Provided, Failure> {
    let found = verified(target, bucket, artifacts).await?;
    let superseded = artifacts.iter().zip(&found).filter(|(_, stored)| stored.as_ref().is_some_and(|one| one.tagged));
    try_join_all(superseded.map(|(artifact, _)| keep(target, bucket, artifact.key()))).await?;
    let missing: Vec<_> = artifacts.iter().zip(&found).filter(|(_, stored)| stored.is_none()).collect();
    let uploaded: u64 = missing.iter().map(|(artifact, _)| artifact.size).sum();
    let count = missing.len();
    if count > 0 {
        note!("uploading {count} of {} zips, {}", artifacts.len(), megabytes(uploaded));
    }
    let done = Cell::new(0);
    let versions = try_join_all(artifacts.iter().zip(found).map(async |(artifact, stored)| {
        if let Some(stored) = stored {
            return Ok(stored.version);
        }
        let stored = put(target, bucket, &artifact.key(), artifact.read()?).await?;
        done.set(done.get() + 1);
        note!("  uploaded {}, {} ({} of {count})", artifact.function, megabytes(artifact.size), done.get());
        Ok::<_, Failure>(stored.version)
    }));
    Ok(Provided { versions: versions.await?, uploaded })
}

/// Verifies once more, right before the zips are used, that each object is the same version with the same bytes.
///
/// # Errors
/// When an object changed.
pub(crate) async fn verify(
    target: &Target,
    bucket: &str,
    artifacts: &[Artifact],
    provided: &Provided,
) -> Result<(), Failure> {
    let now = verified(target, bucket, artifacts).await?;
    for ((artifact, before), now) in artifacts.iter().zip(&provided.versions).zip(now) {
        let now = now.map_or_else(|| "none".to_owned(), |stored| stored.version);
        if *before != now {
            let object = format!("s3://{bucket}/{}", artifact.key());
            let message = format!("{object} changed before it was used: version {before} was verified, {now} is there");
            return Err(Failure::new(message, WHO_WROTE));
        }
    }
    Ok(())
}

/// Returns each zip's object, where the bucket has one.
async fn verified(target: &Target, bucket: &str, artifacts: &[Artifact]) -> Result<Vec<Option<Stored>>, Failure> {
    try_join_all(artifacts.iter().map(|artifact| async move {
        let key = artifact.key();
        let stored = stored(target, bucket, &key).await?;
        stored.map(|stored| stored.verify(bucket, &key, &artifact.sha256_base64)).transpose()
    }))
    .await
}

/// Finds out who changed an object.
const WHO_WROTE: &str = "find who wrote it (CloudTrail: PutObject), delete that object, and deploy again";

impl Stored {
    /// Refuses a bucket without versions.
    fn of(bucket: &str, version: Option<&str>, sha256: Option<String>, tagged: bool) -> Result<Self, Failure> {
        let Some(version) = version.filter(|version| *version != "null").map(printable) else {
            let message = format!("the bucket {bucket} keeps no versions of its objects");
            let enable = format!(
                "aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled, then delete \
                 its objects and deploy again"
            );
            return Err(Failure::new(message, enable));
        };
        Ok(Self { version, sha256, tagged })
    }

    /// Refuses an object that holds other bytes.
    fn verify(self, bucket: &str, key: &str, sha256: &str) -> Result<Self, Failure> {
        let object = format!("s3://{bucket}/{key}");
        if self.sha256.as_deref() == Some(sha256) {
            return Ok(self);
        }
        let version = &self.version;
        let holds = match &self.sha256 {
            Some(other) => format!("the SHA-256 of its bytes is {other}, and must be {sha256}"),
            None => format!("S3 keeps no SHA-256 of its bytes, which must be {sha256}"),
        };
        let message = format!("{object} does not hold the zip that is deployed: {holds} (version {version})");
        Err(Failure::new(message, WHO_WROTE))
    }
}

/// Returns what S3 keeps of an object; none when there is no object.
///
/// # Errors
/// When S3 does not say.
pub(crate) async fn head(target: &Target, bucket: &str, key: &str) -> Result<Option<HeadObjectOutput>, Failure> {
    let request = target.aws.s3().head_object().bucket(bucket).key(key).expected_bucket_owner(&target.account);
    match request.checksum_mode(ChecksumMode::Enabled).send().await {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(code(&error), "NotFound" | "NoSuchKey") => Ok(None),
        Err(error) => {
            Err(failure(&error, &format!("cannot look for s3://{bucket}/{key} (s3:GetObject, s3:ListBucket)")))
        }
    }
}

/// Returns an object's version and checksum; none when there is no object.
async fn stored(target: &Target, bucket: &str, key: &str) -> Result<Option<Stored>, Failure> {
    let Some(found) = head(target, bucket, key).await? else { return Ok(None) };
    let sha256 = found.checksum_sha256().map(printable);
    Stored::of(bucket, found.version_id(), sha256, found.tag_count().unwrap_or(0) > 0).map(Some)
}

/// Puts an object that does not exist yet. S3 refuses it when its SHA-256 is not what was sent. An object that exists is left
/// as it is, and must hold the same bytes.
///
/// # Errors
/// When it cannot be uploaded, or an object of this key holds other bytes.
pub(crate) async fn put(target: &Target, bucket: &str, key: &str, bytes: Vec<u8>) -> Result<Stored, Failure> {
    let sha256 = BASE64.encode(digest::digest(&digest::SHA256, &bytes));
    let request = target.aws.s3().put_object().bucket(bucket).key(key).expected_bucket_owner(&target.account);
    let request = request.checksum_algorithm(ChecksumAlgorithm::Sha256).checksum_sha256(&sha256).if_none_match("*");
    let limits = aws_sdk_s3::config::Config::builder().timeout_config(calls::upload(bytes.len()));
    let request = request.body(ByteStream::from(bytes)).customize().config_override(limits);
    let error = match request.send().await {
        Ok(written) => return Stored::of(bucket, written.version_id(), Some(sha256), false),
        Err(error) => error,
    };
    if matches!(code(&error), "PreconditionFailed" | "ConditionalRequestConflict")
        && let Some(stored) = stored(target, bucket, key).await?
    {
        return stored.verify(bucket, key, &sha256);
    }
    Err(failure(&error, &format!("cannot upload s3://{bucket}/{key} (s3:PutObject)")))
}

/// Removes the mark of an object that is used again, so that it does not expire.
async fn keep(target: &Target, bucket: &str, key: String) -> Result<(), Failure> {
    let request = target.aws.s3().delete_object_tagging().bucket(bucket).key(&key);
    let kept = request.expected_bucket_owner(&target.account).send().await;
    kept.map_err(|error| failure(&error, &format!("cannot keep s3://{bucket}/{key} (s3:DeleteObjectTagging)")))?;
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
            note!("{}", failure.message);
        }
    }
}

/// A size as people read it.
pub(crate) fn megabytes(bytes: u64) -> String {
    if bytes < 100_000 { format!("{:.1} KB", bytes as f64 / 1e3) } else { format!("{:.1} MB", bytes as f64 / 1e6) }
}
