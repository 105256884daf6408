// Package s3 speaks the part of the protocol of Amazon S3 that backups need: store, fetch, list and delete whole objects of a bucket,
// with requests that are signed by Signature Version 4. Amazon's service and others of its protocol (MinIO, Ceph, Garage, R2, versitygw, …)
// answer it.
package s3
