// The Unified Procedure Step by another's DIMSE (dcmjs-dimse of npm), a line of JSON for what was asked or answered:
//   node ups_foreign.js manager PORT ITEMS   a workflow manager: UPS Push and Pull as SCP; ITEMS: {UID: item} that the site has
//   node ups_foreign.js query PORT           asks a node for its reading worklist (UPS Query)
const dimse = require('dcmjs-dimse');
const { Client, Dataset, Server, Scp, responses, constants } = dimse;
const [PUSH, PULL, QUERY] = [1, 3, 5].map((n) => `1.2.840.10008.5.1.4.34.6.${n}`);
const VERIFICATION = '1.2.840.10008.1.1';
const IMPLICIT = '1.2.840.10008.1.2';
const SUCCESS = 0, DUPLICATE = 0x0111, UNKNOWN = 0xc307;

dimse.log.setLevel('error');
const tell = (kind, more) => console.log(JSON.stringify({ kind, ...more }));

function manage(port, items) {
  const first = (sequence) => [].concat(sequence)[0] || {};
  const accession = (item) => first(item.ReferencedRequestSequence).AccessionNumber || '';
  const answer = (response, status, dataset) => {
    response.setStatus(status);
    if (dataset) response.setDataset(new Dataset(dataset, IMPLICIT));
    return response;
  };

  class Manager extends Scp {
    associationRequested(association) {
      for (const { id } of association.getPresentationContexts()) {
        const context = association.getPresentationContext(id);
        if ([VERIFICATION, PUSH, PULL].includes(context.getAbstractSyntaxUid())) context.setResult(constants.PresentationContextResult.Accept, IMPLICIT);
        else context.setResult(constants.PresentationContextResult.RejectAbstractSyntaxNotSupported);
      }
      this.sendAssociationAccept();
    }

    cEchoRequest(request, done) {
      done(answer(responses.CEchoResponse.fromRequest(request), SUCCESS));
    }

    cFindRequest(request, done) {
      const wanted = accession(request.getDataset().getElements());
      const matches = Object.entries(items).filter(([, item]) => wanted && accession(item) === wanted);
      tell('find', { accession: wanted });
      done([
        ...matches.map(([uid, item]) =>
          answer(responses.CFindResponse.fromRequest(request), constants.Status.Pending, { ...item, SOPClassUID: PUSH, SOPInstanceUID: uid })),
        answer(responses.CFindResponse.fromRequest(request), SUCCESS)]);
    }

    nCreateRequest(request, done) {
      const uid = request.getAffectedSopInstanceUid(), known = uid in items;
      if (!known) items[uid] = request.getDataset().getElements();
      tell('create', { uid, item: request.getDataset().getElements() });
      done(answer(responses.NCreateResponse.fromRequest(request), known ? DUPLICATE : SUCCESS));
    }

    nGetRequest(request, done) {
      const item = items[request.getRequestedSopInstanceUid()];
      done(answer(responses.NGetResponse.fromRequest(request), item ? SUCCESS : UNKNOWN, item));
    }

    nSetRequest(request, done) {
      const uid = request.getRequestedSopInstanceUid(), item = request.getDataset().getElements();
      tell('set', { uid, item });
      if (items[uid]) Object.assign(items[uid], item);
      done(answer(responses.NSetResponse.fromRequest(request), items[uid] ? SUCCESS : UNKNOWN));
    }

    nActionRequest(request, done) {
      tell('action', { uid: request.getRequestedSopInstanceUid(), type: request.getActionTypeId() });
      done(answer(responses.NActionResponse.fromRequest(request), SUCCESS));
    }

    associationReleaseRequested() {
      this.sendAssociationReleaseResponse();
    }
  }
  const server = new Server(Manager);
  server.on('networkError', (error) => tell('error', { error: String(error) }));
  server.listen(port);
}

function ask(port) {
  const client = new Client(), request = new dimse.requests.CFindRequest();
  request.setAffectedSopClassUid(QUERY);
  request.setDataset(new Dataset({
    SOPInstanceUID: '', ProcedureStepState: 'SCHEDULED', ScheduledProcedureStepPriority: '', ProcedureStepLabel: '', PatientName: '',
    ReferencedRequestSequence: [], ScheduledWorkitemCodeSequence: [] }));
  request.on('response', (response) =>
    tell('answer', { status: response.getStatus(), item: response.hasDataset() ? response.getDataset().getElements() : null }));
  client.on('networkError', (error) => tell('error', { error: String(error) }));
  client.on('associationRejected', () => tell('error', { error: 'rejected' }));
  client.addRequest(request);
  client.send('127.0.0.1', port, 'FOREIGN', 'CERVIGATE');
}

const [what, port, items] = process.argv.slice(2);
if (what === 'manager') manage(Number(port), JSON.parse(items));
else ask(Number(port));
