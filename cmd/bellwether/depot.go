package main

import (
	"cmp"
	"fmt"
	"os"
	"strings"

	"bellwether/store"
	"bellwether/store/s3"
)

const bucketHelp = `A bucket is asked as the environment says, by the names that other tools use: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
of temporary keys, AWS_REGION, and AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL of a service other than Amazon's.`

// depotOf is the place of backups that a person named: a folder, or s3://BUCKET/PREFIX.
func depotOf(name string) (store.Depot, error) {
	rest, bucket := strings.CutPrefix(name, "s3://")
	if !bucket {
		return store.BackupFolder(name), nil
	}
	bucketName, prefix, _ := strings.Cut(rest, "/")
	b := &s3.Bucket{
		Name: bucketName, Endpoint: cmp.Or(os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL")), Region: cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")),
		Key: os.Getenv("AWS_ACCESS_KEY_ID"), Secret: os.Getenv("AWS_SECRET_ACCESS_KEY"), Token: os.Getenv("AWS_SESSION_TOKEN"),
	}
	if b.Name == "" || b.Key == "" || b.Secret == "" {
		return nil, exit{2, fmt.Errorf("%s: write it as s3://BUCKET/PREFIX, with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment", name)}
	}
	return store.BackupBucket(b, prefix), nil
}
