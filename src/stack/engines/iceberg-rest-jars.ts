/**
 * The reference server of Iceberg's REST catalog 1.10.0 (what the image `apache/iceberg-rest-fixture` runs), with its catalog in SQLite, files
 * by Hadoop's client and S3 by Iceberg's bundle. Coordinates and sha256; nothing is resolved when they are fetched. Jetty stays at 11: that is
 * what this version is compiled for. The server is in the jar of test fixtures, and needs the jar of iceberg-core's tests.
 */
import type { Artifact } from '../artifacts.ts'

const LIST = `
com.fasterxml.jackson.core:jackson-annotations:2.19.2 e516743a316dcf83c572ffc9cb6e8c5e8c134880c8c5155b02f7b34e9c5dc3cf
com.fasterxml.jackson.core:jackson-core:2.19.2 aa77eaf29293a868c47372194f7c5287d77d9370b04ea25d3fffc1e4904b5880
com.fasterxml.jackson.core:jackson-databind:2.19.2 0a1bd4e9b0d670e632d40ee8c625ad376233502f03c2f5889baea95d025b47a7
com.github.ben-manes.caffeine:caffeine:2.9.3 1e0a7bbef1dd791653143f3f05d0e489934bf5481e58a87c9e619cd46b68729b
com.google.code.findbugs:jsr305:3.0.2 766ad2a0783f2687962c8ad74ceecc38a28b9f72a2d085ee438b7813e928d0c7
com.google.errorprone:error_prone_annotations:2.10.0 a249d4d25dfb86d41e6c82fc335df580189f0c9feeabdc53233fc1e5060724a1
commons-codec:commons-codec:1.17.0 f700de80ac270d0344fdea7468201d8b9c805e5c648331c3619f2ee067ccfc59
commons-io:commons-io:2.16.1 f41f7baacd716896447ace9758621f62c1c6b0a91d89acee488da26fc477c84f
commons-logging:commons-logging:1.3.0 66d3c980470b99b0c511dad3dfc0ae7b265ec1fb144e96bc0253a8a175fd34d9
dev.failsafe:failsafe:3.3.2 2c5dc879a6dac7ea3a7b29d795e27bd49b8e7908b05c2f3e56053c19d79850f5
io.airlift:aircompressor:0.27 fdbef3137a28f63bb0cb93487803080ede746a4ec3d421e36c6f0c305c35e5e4
org.apache.avro:avro:1.12.0 1f5fbfff9b7427d6832cc3031a3c81413d3e21d9e2551847d9231c28493f9492
org.apache.commons:commons-compress:1.26.2 9168a03141d8fc7eda21a2360d83cc0412bcbb1d6204d992bd48c2573cb3c6b8
org.apache.commons:commons-lang3:3.14.0 7b96bf3ee68949abb5bc465559ac270e0551596fa34523fddf890ec418dde13c
org.apache.hadoop:hadoop-client-api:3.4.2 607c0299f4df33013bd0a0f37c8cf255c635bbaddd247b8fec68c210cc17d19f
org.apache.hadoop:hadoop-client-runtime:3.4.2 18d071c7f72f8a946677b398a57af9c7afa2dd41a81023c310f99373fec200b3
org.apache.httpcomponents.client5:httpclient5:5.5 496b4b0e8d5f3a8139a5d2638486d304758bac3a9c39d76989f663cfd9354fc9
org.apache.httpcomponents.core5:httpcore5-h2:5.3.4 1fb4f34e4b612e7c127ad693335583587850b17ce9b1c366f9de1ca49fe2c781
org.apache.httpcomponents.core5:httpcore5:5.3.4 f2b2fd7a0164e8c3120cd8437bc9fea439239e165c17262b3e907daa7e979f80
org.apache.iceberg:iceberg-api:1.10.0 627061d401dba9d1a8cada2da6394640c2e803102bb676fb34e5f65503cf2c51
org.apache.iceberg:iceberg-aws-bundle:1.10.0 172370cfc32a5f1ae5399b210e86fc04a366dc29a112d97ac8ffc74df7525596
org.apache.iceberg:iceberg-aws:1.10.0 fe9b8980fb79f6a89e94c6c8f61453f723403fdf00a9813e92d4a5954587c22a
org.apache.iceberg:iceberg-bundled-guava:1.10.0 05b79072e19071b1bcf7a4e382d624b3b2ccad6eaf79627676219bb48e4e834d
org.apache.iceberg:iceberg-common:1.10.0 5ce6ec8262b4c6f8151d9e36ebe013bd23ec0f310508173f72c43bc073d5f519
org.apache.iceberg:iceberg-core:1.10.0 54091489dbdcb31b5a4514372abfc908a7b0be69f76e785f1e82279be4fbd6cc
org.apache.iceberg:iceberg-core:1.10.0:jar:tests caa79473e760a6ea0740888832d85868359142640d34f472cd565763bb9b90c7
org.apache.iceberg:iceberg-open-api:1.10.0:jar:test-fixtures ec4dce1663933e3520227da8238a980d52b7eccac532c1953f337dc1e6ee597b
org.checkerframework:checker-qual:3.19.0 a827c49183f3a632277d27a0a4673686cb341507447b9d570261094bd748aa68
org.eclipse.jetty.toolchain:jetty-jakarta-servlet-api:5.0.2 efb20997729f32bfa6c8a8319037c353f7ad460d5d49f336bf232998ea2358db
org.eclipse.jetty:jetty-http:11.0.25 7ae3f8055557e6cea13980eaa37eaf9d546cd57a2d358aa7cb2e5de7c4946169
org.eclipse.jetty:jetty-io:11.0.25 6d5859f4ce88156c86aac0fa62d27a768d8f100aa6da5c13a82ec3c9ea16a349
org.eclipse.jetty:jetty-security:11.0.25 861a0be80a4dfa7935a89113d4ac4ed76505f079b22c9e2f1a84017908bbcd57
org.eclipse.jetty:jetty-server:11.0.25 710652a7dccc0590cd0af2798dd3c4c93a777e7fb591d89d7cf02a4839bf0dd8
org.eclipse.jetty:jetty-servlet:11.0.25 641eb7725c8aa27ff4f35e71b826f6c3fff5ce745d6997e520eafb887e3623ec
org.eclipse.jetty:jetty-util:11.0.25 801ce0baaaf9a269fade7172dadd290c707f3bcdaf22b4292c323f6548b05959
org.roaringbitmap:RoaringBitmap:1.3.0 73443a71a2e2401c7d518a487983539fcaf5f9652efbd178f929e7b6d36881d0
org.slf4j:slf4j-api:2.0.17 7b751d952061954d5abfed7181c1f645d336091b679891591d63329c622eb832
org.slf4j:slf4j-simple:2.0.17 ddfea59ac074c6d3e24ac2c38622d2d963895e17f70b38ed4bdae4d780be6964
org.xerial.snappy:snappy-java:1.1.10.4 55b30c94e5c4cc2d4b6976916098d0678a8a6cc7427fa8c875621bd94e731ac8
org.xerial:sqlite-jdbc:3.50.3.0 a3f53a2aa15ae9425a9e793bbe9c8e5288febeb4b65ef5c1a4e80d4c2045cf08
`

export const ICEBERG_REST_JARS: readonly Artifact[] = LIST.trim()
  .split('\n')
  .map((line) => {
    const [coordinates, sha256] = line.split(' ') as [string, string]
    return { coordinates: coordinates.includes(':jar:') ? coordinates : `${coordinates}:jar`, sha256 }
  })
