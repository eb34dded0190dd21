import type { Lander } from '../../lander.ts'
import type { OpenLanderOptions } from '../../open.ts'
import { checkCheckpoints, kafkaPlace, parseSparkUrl, sparkCatalog } from './places.ts'
import { openSparkLander } from './spark-lander.ts'

/** The lander of an `sc://` URL (docs/reference/spark.md). */
export function openSparkLanderAt(url: string, options: OpenLanderOptions): Promise<Lander> {
  const { places, secrets = {}, ...rest } = options
  const target = parseSparkUrl(url, secrets.token)
  const kafka = kafkaPlace(places.log, secrets)
  const catalog = sparkCatalog(target, places, secrets)
  const { stream } = target
  if (stream) checkCheckpoints(places.storage)
  return openSparkLander({ ...rest, spark: target.spark, kafka, catalog, ...(stream ? { stream } : {}) })
}
