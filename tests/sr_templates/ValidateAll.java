import com.pixelmed.validate.DicomSRValidator;

/**
 * PixelMed's DicomSRValidator over many files in one JVM: loading its rules takes seconds, a file
 * after that one or two. Prints every line that it finds worth saying; exits with 1 when a file has
 * an error or cannot be validated.
 */
public final class ValidateAll {
    private ValidateAll() {
    }

    public static void main(String[] files) throws Exception {
        DicomSRValidator validator = new DicomSRValidator();
        int errors = 0;
        int warnings = 0;

        for (String file : files) {
            String report = validator.validate(file);
            boolean isRoot = false;
            for (String line : report.split("\n")) {
                boolean isError = line.startsWith("Error");
                boolean isWarning = line.startsWith("Warning");
                isRoot |= line.contains("Root Template Validation Complete");
                errors += isError ? 1 : 0;
                warnings += isWarning ? 1 : 0;
                if (isError || isWarning) {
                    System.out.println(file + ": " + line);
                }
            }
            if (!isRoot) {
                System.out.println(file + ": Error: not validated: " + report.trim());
                errors++;
            }
        }
        System.out.println(files.length + " files, " + errors + " errors, " + warnings + " warnings");
        System.exit(errors > 0 ? 1 : 0);
    }
}
