-- A job store as version 2 of the schema made it: migrated from version 1.
CREATE TABLE instance( id INTEGER PRIMARY KEY AUTOINCREMENT, state TEXT NOT NULL, sop_class TEXT NOT NULL, sop_instance TEXT NOT NULL, study TEXT NOT NULL, series TEXT NOT NULL, transfer_syntax TEXT NOT NULL, digest TEXT NOT NULL, path TEXT NOT NULL, bytes INTEGER NOT NULL, calling TEXT NOT NULL, called TEXT NOT NULL, address TEXT NOT NULL, association TEXT NOT NULL, received_ms INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, deaths INTEGER NOT NULL DEFAULT 0, rival INTEGER NOT NULL, rule TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '', reported INTEGER NOT NULL DEFAULT 0, UNIQUE(sop_instance, digest));
CREATE INDEX instance_received ON instance(id) WHERE state='received';
CREATE INDEX instance_study_received ON instance(study) WHERE state='received';
CREATE INDEX instance_due ON instance(study) WHERE reported=0 AND state IN ('judged','not-processed');
CREATE INDEX instance_study ON instance(study, id);
CREATE INDEX instance_state ON instance(state);
CREATE TABLE judgement( instance INTEGER PRIMARY KEY REFERENCES instance(id) ON DELETE CASCADE, attrs BLOB, pixel_digest TEXT NOT NULL, patient_digest TEXT NOT NULL, scores TEXT NOT NULL, model_digest TEXT NOT NULL, picture TEXT NOT NULL, first_computed_ms INTEGER NOT NULL);
CREATE TABLE study( uid TEXT PRIMARY KEY, last_received_ms INTEGER NOT NULL, version INTEGER NOT NULL DEFAULT 0, last_report TEXT NOT NULL DEFAULT '', last_report_series TEXT NOT NULL DEFAULT '');
CREATE TABLE open_association( association TEXT NOT NULL, study TEXT NOT NULL, PRIMARY KEY(association, study));
CREATE INDEX open_study ON open_association(study);
CREATE TABLE result( id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, uid TEXT NOT NULL UNIQUE, sop_class TEXT NOT NULL, series TEXT NOT NULL, study TEXT NOT NULL, path TEXT NOT NULL, digest TEXT NOT NULL, outcome TEXT NOT NULL, created_ms INTEGER NOT NULL);
CREATE TABLE covers( result INTEGER NOT NULL REFERENCES result(id) ON DELETE CASCADE, instance INTEGER NOT NULL REFERENCES instance(id) ON DELETE CASCADE, PRIMARY KEY(result, instance));
CREATE TABLE delivery( id INTEGER PRIMARY KEY AUTOINCREMENT, result INTEGER NOT NULL REFERENCES result(id) ON DELETE CASCADE, destination TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, next_ms INTEGER NOT NULL DEFAULT 0, done_ms INTEGER NOT NULL DEFAULT 0, last_error TEXT NOT NULL DEFAULT '', UNIQUE(result, destination));
CREATE INDEX delivery_pending ON delivery(destination, next_ms, id) WHERE state='pending';
CREATE INDEX delivery_state ON delivery(state);
CREATE TABLE counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL);

INSERT INTO instance(id,state,sop_class,sop_instance,study,series,transfer_syntax,digest,path,bytes,calling,called,address,association,
 received_ms,attempts,deaths,rival,rule,reason,detail,reported)
 VALUES(1,'judged','1.2.840.10008.5.1.4.1.1.1.1','1.2.3.1','1.2.4.1','1.2.5.1','1.2.840.10008.1.2.1',
 '0000000000000000000000000000000000000000000000000000000000000001','objects/00/0000000000000000000000000000000000000000000000000000000000000001.dcm',
 512,'MODALITY','CERVIGATE','127.0.0.1','a',1000,1,0,0,'all','none','',1);
INSERT INTO instance(id,state,sop_class,sop_instance,study,series,transfer_syntax,digest,path,bytes,calling,called,address,association,
 received_ms,rival)
 VALUES(2,'received','1.2.840.10008.5.1.4.1.1.1.1','1.2.3.2','1.2.4.2','1.2.5.2','1.2.840.10008.1.2.1',
 '0000000000000000000000000000000000000000000000000000000000000002','objects/00/0000000000000000000000000000000000000000000000000000000000000002.dcm',
 256,'MODALITY','CERVIGATE','127.0.0.1','a',1001,0);
INSERT INTO judgement(instance,attrs,pixel_digest,patient_digest,scores,model_digest,picture,first_computed_ms)
 VALUES(1,NULL,'p','q','0.25 0.75','m','2.25.9',2000);
INSERT INTO study(uid,last_received_ms,version,last_report,last_report_series) VALUES('1.2.4.1',1000,1,'2.25.1','2.25.11');
INSERT INTO study(uid,last_received_ms) VALUES('1.2.4.2',1001);
INSERT INTO result(id,kind,uid,sop_class,series,study,path,digest,outcome,created_ms)
 VALUES(1,'sr','2.25.1','1.2.840.10008.5.1.4.1.1.88.34','2.25.11','1.2.4.1','results/2.25.1.dcm','d','finding',2000);
INSERT INTO covers(result,instance) VALUES(1,1);
INSERT INTO delivery(id,result,destination,state,attempts,next_ms,done_ms) VALUES(1,1,'pacs','parked',1,3000,0);
INSERT INTO delivery(id,result,destination,state,attempts,next_ms,done_ms) VALUES(2,1,'archive','pending',0,0,0);
INSERT INTO counter(name,value) VALUES('duplicates',7);
ALTER TABLE instance ADD COLUMN withdrawn TEXT NOT NULL DEFAULT '';
ALTER TABLE instance ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
CREATE INDEX instance_sop ON instance(sop_instance, id);
ALTER TABLE judgement ADD COLUMN scores2 TEXT NOT NULL DEFAULT '';
ALTER TABLE judgement ADD COLUMN model_digest2 TEXT NOT NULL DEFAULT '';
ALTER TABLE judgement ADD COLUMN coverage INTEGER NOT NULL DEFAULT 0;
ALTER TABLE judgement ADD COLUMN region TEXT NOT NULL DEFAULT '';
ALTER TABLE judgement ADD COLUMN gsps TEXT NOT NULL DEFAULT '';
ALTER TABLE judgement ADD COLUMN map TEXT NOT NULL DEFAULT '';
ALTER TABLE study ADD COLUMN amendment INTEGER NOT NULL DEFAULT 0;
ALTER TABLE study ADD COLUMN read INTEGER NOT NULL DEFAULT 0;
ALTER TABLE result ADD COLUMN fate TEXT NOT NULL DEFAULT 'current';
ALTER TABLE result ADD COLUMN instance INTEGER NOT NULL DEFAULT 0;
ALTER TABLE result ADD COLUMN report INTEGER NOT NULL DEFAULT 0;
ALTER TABLE result ADD COLUMN patient TEXT NOT NULL DEFAULT '';
ALTER TABLE result ADD COLUMN why TEXT NOT NULL DEFAULT '';
ALTER TABLE result ADD COLUMN attrs BLOB;
UPDATE result SET report=id WHERE kind='sr';
CREATE INDEX result_report ON result(report);
CREATE INDEX result_instance ON result(instance) WHERE instance<>0;
CREATE INDEX result_retracted ON result(id) WHERE fate='retracted';
CREATE INDEX covers_instance ON covers(instance, result);
ALTER TABLE delivery ADD COLUMN rejection INTEGER NOT NULL DEFAULT 0;
CREATE INDEX delivery_result ON delivery(result);
CREATE INDEX delivery_retracted ON delivery(destination) WHERE rejection=-1;
CREATE TABLE rejected(sop_instance TEXT PRIMARY KEY, code TEXT NOT NULL);
CREATE TABLE request( id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, uid TEXT NOT NULL, reason TEXT NOT NULL, who TEXT NOT NULL, asked_ms INTEGER NOT NULL, answer TEXT NOT NULL DEFAULT '');
CREATE INDEX request_open ON request(id) WHERE answer='';
INSERT INTO request(kind,uid,reason,who,asked_ms) VALUES('reissue','2.25.1','','mary',5);
UPDATE judgement SET scores2='0.5 0.5',model_digest2='m2';
PRAGMA user_version=2;
PRAGMA application_id=1129727828;
