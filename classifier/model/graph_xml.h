/* graph_xml.h: a graph as <graph> of a model.xml. Not a public header.
 *
 *   <graph>
 *    <layer name="data" op="input" shape="3 224 224"/>
 *    <layer name="conv1" op="conv2d" from="data" channels="64" kernel="7 7" stride="2 2" pad="3 3"
 *           groups="1" relu="true"/>
 *
 * Layers stand in the graph's order; `from` names layers above. Every attribute of an op is written
 * but those that are false; floats in the fewest digits that bring the same bits back. */
#ifndef NN_GRAPH_XML_H
#define NN_GRAPH_XML_H

#include "nn_graph.h"
#include "xml_reader.h"

#include <libxml/xmlwriter.h>

/* Activations of all layers together, in floats of one sample: a blueprint from a file must not
 * name more memory than a machine has. VGG-16 at 224 x 224 has 15 million. */
#define NN_GRAPH_XML_MAX_CELLS (1u << 29)

/* Every refusal names file, line and layer. The graph is finished and ends in softmax. */
NN_MUST_USE enum nn_status nn_graph_read_xml(struct nn_reader *r, const xmlNode *node,
                                             struct nn_graph **graph);
/* Negative when the writer failed. The graph is nn_graph_check_plain. */
int nn_graph_write_xml(xmlTextWriterPtr writer, const struct nn_graph *graph);
/* Refuses what no file can hold: names of other characters than printable ASCII without space,
 * auxiliary heads, an end that is no softmax. */
NN_MUST_USE enum nn_status nn_graph_check_plain(const struct nn_graph *graph, struct nn_error *err);
/* SHA-256 over layers, producers and attributes, as 64 hex digits: not over the file's spaces. */
NN_MUST_USE enum nn_status nn_graph_digest(const struct nn_graph *graph, char hex[65],
                                           struct nn_error *err);

#endif
