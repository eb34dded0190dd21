import { gameOn } from './combination.ts'
import { kafkaS3Rest } from './parts.ts'

gameOn('Kafka + DuckDB + S3 + Iceberg REST, asked by Trino', await kafkaS3Rest())
