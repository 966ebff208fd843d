//! A bucket for the fleet's page.

use aws_sdk_s3::primitives::ByteStream;
use funade::world::CallError;

use crate::errors::call_error;
use crate::world::AwsWorld;

impl AwsWorld {
    /// Puts a file into a bucket of the hub's account, in place of the one before. Browsers ask for
    /// it again each time: it is another every quarter of an hour.
    pub async fn put_report(
        &self,
        bucket: &str,
        name: &str,
        content_type: &str,
        body: String,
    ) -> Result<(), CallError> {
        self.clients()
            .s3()
            .put_object()
            .bucket(bucket)
            .key(name)
            .content_type(content_type)
            .cache_control("no-cache")
            .body(ByteStream::from(body.into_bytes()))
            .send()
            .await
            .map_err(|error| call_error("PutObject", format!("{bucket}/{name}"), &error))?;
        Ok(())
    }
}
