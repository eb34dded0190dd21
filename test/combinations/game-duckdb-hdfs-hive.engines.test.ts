import { gameOn } from './combination.ts'
import { kafkaHdfsHive } from './parts.ts'

gameOn('Kafka + DuckDB + HDFS + Hive metastore, asked by Trino', await kafkaHdfsHive('duckdb'))
